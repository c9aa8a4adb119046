package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/sessnode/sessnode/bench/peers/report"
	"github.com/sessnode/sessnode/bench/peers/rounds"
	"github.com/sessnode/sessnode/bench/peers/stand"
)

// options are the flags.
type options struct {
	quick, check, asJSON   bool
	alone                  bool
	only, workloads, parts string
	rounds                 int
	span                   time.Duration
	sessions               int
	out, add, dir, binary  string
	profiles               string
}

func parse(args []string) (o options, err error) {
	flags := flag.NewFlagSet("peers", flag.ContinueOnError)
	flags.BoolVar(&o.quick, "quick", false, "one short round: within a minute per product")
	flags.BoolVar(&o.check, "check", false, "exit with 1 when a target is missed, and name it")
	flags.BoolVar(&o.asJSON, "json", false, "print JSON, keyed by mode and workload")
	flags.StringVar(&o.only, "only", "", "`PRODUCTS` to measure, with commas: "+strings.Join(productNames(), ", ")+
		"; with one of the others sessnode is measured too, as its counterpart (default all)")
	flags.BoolVar(&o.alone, "alone", false, "measure what -only names without sessnode's counterpart")
	flags.StringVar(&o.workloads, "workloads", "", "`WORKLOADS` to measure, with commas: "+names(workloadLabels())+" (default all)")
	flags.StringVar(&o.parts, "parts", "", "`PARTS` of the measurement, with commas: "+strings.Join(rounds.Parts(), ", ")+
		" (default all; with -quick rounds and memory; with -only or -workloads rounds)")
	flags.IntVar(&o.rounds, "rounds", 0, "`number` of rounds (default 5; with -quick 1)")
	flags.DurationVar(&o.span, "span", 0, "how long a workload is measured for (default 4s; with -quick 1.5s)")
	flags.IntVar(&o.sessions, "sessions", 10_000, "`number` of sessions")
	flags.StringVar(&o.out, "out", "", "`FILE` for all figures as JSON")
	flags.StringVar(&o.add, "add", "", "`FILE` that -out wrote: keep what it has and this run does not measure")
	flags.StringVar(&o.dir, "dir", "", "`DIR` for logs and sockets, which stay (default a temporary one)")
	flags.StringVar(&o.profiles, "profiles", "", "`DIR` for profiles of the generators' processor time, by mode and workload")
	flags.StringVar(&o.binary, "sessnode", "bin/sessnode", "`FILE` of the sessnode that is measured")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
		fmt.Fprintln(os.Stderr, err)
	}
	return o, err
}

func productNames() (list []string) {
	for _, p := range stand.Products() {
		list = append(list, p.Name)
	}
	return list
}

func modeLabels() (list []report.Label) {
	for _, m := range rounds.Modes() {
		list = append(list, report.Label{Name: m.Name, Text: m.Title})
	}
	return list
}

func workloadLabels() []report.Label {
	var list []report.Label
	for _, w := range rounds.Workloads() {
		list = append(list, report.Label{Name: w.Name, Text: w.Text})
	}
	return append(list, rounds.PartLabels()...)
}

func names(labels []report.Label) string {
	var list []string
	for _, l := range labels {
		list = append(list, l.Name)
	}
	return strings.Join(list, ", ")
}

// counterparts are what each of the others is compared with.
var counterparts = map[string][]string{
	"redis": {"remote", "embedded"}, "olric": {"remote", "embedded"}, "tomcat": {"http"},
	"sessnode": {"remote", "embedded", "http"},
}

// products are those to measure, and how to install those that are missing.
func (o options) products() (list, skipped []string, err error) {
	wanted := productNames()
	if o.only != "" {
		wanted = nil
		for name := range strings.SplitSeq(o.only, ",") {
			if _, isGroup := counterparts[name]; !isGroup && !slices.Contains(productNames(), name) {
				return nil, nil, fmt.Errorf("-only %s: choose of %s", name, strings.Join(productNames(), ", "))
			}
			wanted = append(wanted, name)
			if !o.alone || name == "sessnode" {
				wanted = append(wanted, counterparts[name]...)
			}
		}
	}
	for _, p := range stand.Products() {
		if !slices.Contains(wanted, p.Name) {
			continue
		}
		if install := p.Lacks(); install != "" {
			skipped = append(skipped, fmt.Sprintf("Skipped, because it is not installed: %s. To install it: %s", p.Title, install))
			continue
		}
		list = append(list, p.Name)
	}
	return list, skipped, nil
}

// plan is what the flags ask for.
func (o options) plan() (p rounds.Plan, skipped []string, err error) {
	p = rounds.Full()
	if o.quick {
		p = rounds.Quick()
	}
	p.Rounds, p.Span, p.Sessions = cmp.Or(o.rounds, p.Rounds), cmp.Or(o.span, p.Span), o.sessions
	if o.workloads != "" {
		p.Workloads = strings.Split(o.workloads, ",")
	}
	switch {
	case o.parts != "":
		p.Parts = strings.Split(o.parts, ",")
	case o.only != "" || o.workloads != "":
		p.Parts = []string{rounds.PartRounds}
	case !o.quick:
		p.Parts = rounds.Parts()
	default:
		p.Parts = []string{rounds.PartRounds, rounds.PartMemory}
	}
	if p.Products, skipped, err = o.products(); err != nil {
		return p, nil, err
	}
	if p.Sessnode, err = filepath.Abs(o.binary); err == nil {
		_, err = os.Stat(p.Sessnode)
	}
	return p, skipped, err
}

// compare measures, prints, and returns the exit code.
func compare(o options, note string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	results, err := measure(ctx, o, note)
	if len(results.Modes) > 0 {
		err = errors.Join(err, show(os.Stdout, o, &results))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		return 1
	}
	if missed := results.MissedTargets(); o.check && len(missed) > 0 {
		for _, m := range missed {
			fmt.Fprintf(os.Stderr, "missed: %s: %s, asked for is %s\n", m.Target.Name, m.Measured(), m.Target.Asked())
		}
		return 1
	}
	return 0
}

// measure does what the flags ask for. What was measured before an error comes with it.
func measure(ctx context.Context, o options, note string) (r report.Results, err error) {
	plan, skipped, err := o.plan()
	if err != nil {
		return r, err
	}
	dir, err := os.MkdirTemp(o.dir, "sessnode-bench-")
	if err != nil {
		return r, err
	}
	if plan.Keep = o.dir != ""; !plan.Keep {
		defer os.RemoveAll(dir)
	}
	plan.Dir, plan.Profiles = dir, o.profiles
	if o.profiles != "" {
		if err := os.MkdirAll(o.profiles, 0o755); err != nil {
			return r, err
		}
	}
	plan.Say = func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
	r = report.Results{
		Began: time.Now(), Machine: fmt.Sprintf("%d cores, %s/%s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH),
		Plan: plan.String(), Skipped: skipped, Versions: versions(ctx, plan),
	}
	if note != "" {
		r.Notes = append(r.Notes, "Note: "+note+".")
	}
	for _, p := range stand.Products() {
		if slices.Contains(plan.Products, p.Name) {
			r.Settings = append(r.Settings, p.Settings...)
		}
	}
	for _, line := range slices.Concat(r.Skipped, r.Notes) {
		plan.Say("%s", line)
	}
	err = rounds.Run(ctx, plan, r.Add)
	r.Seconds = time.Since(r.Began).Seconds()
	return r, errors.Join(err, o.keep(&r))
}

// keep writes the file of -out.
func (o options) keep(r *report.Results) error {
	if o.add != "" {
		document, err := os.ReadFile(o.add)
		if err != nil {
			return err
		}
		older, err := report.Read(document)
		if err != nil {
			return err
		}
		r.Merge(older)
	}
	if o.out == "" || len(r.Modes) == 0 {
		return nil
	}
	f, err := os.Create(o.out)
	if err != nil {
		return err
	}
	return errors.Join(r.JSON(f), f.Close())
}

// show prints the results.
func show(w io.Writer, o options, r *report.Results) error {
	if o.asJSON {
		return r.JSON(w)
	}
	return r.Print(w, modeLabels(), workloadLabels())
}
