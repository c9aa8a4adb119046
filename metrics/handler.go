package metrics

import (
	"fmt"
	"log/slog"
	"net/http"
	"regexp"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// scrapesMax bounds the scrapes answered at a time; more are refused with 503.
const scrapesMax = 2

// pauses are those of the whole process for the collector of garbage, as a histogram.
var pauses = collectors.GoRuntimeMetricsRule{Matcher: regexp.MustCompile(`^/sched/pauses/total/gc:seconds$`)}

// Handler answers scrapes with a node's metrics and those of the Go runtime and the process, in a registry of its own. What
// goes wrong with a scrape is logged.
func Handler(n Node, log *slog.Logger) http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(NewNode(n), collectors.NewGoCollector(collectors.WithGoCollectorRuntimeMetrics(pauses)),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{
		ErrorLog: scrapeLog{log}, ErrorHandling: promhttp.HTTPErrorOnError, MaxRequestsInFlight: scrapesMax,
	})
}

// scrapeLog logs what promhttp has to say.
type scrapeLog struct{ log *slog.Logger }

// Println implements promhttp.Logger.
func (l scrapeLog) Println(v ...any) { l.log.Warn("scrape failed", "error", fmt.Sprint(v...)) }
