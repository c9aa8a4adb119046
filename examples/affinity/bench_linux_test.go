package main

import (
	"fmt"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"
)

// BenchmarkRouted measures what a request costs that reaches the server whose node is primary of its session, and
// BenchmarkUnrouted what one costs that goes to each server in turn. Both are small: three servers in one process, on
// loopback, without a proxy, four visitors at a time; the processor time is that of everything, those who ask included.
//
//	go test ./examples/affinity -run '^$' -bench . -benchtime 3s -count 3
func BenchmarkRouted(b *testing.B) { benchmarkVisits(b, true) }

// BenchmarkUnrouted is the other half.
func BenchmarkUnrouted(b *testing.B) { benchmarkVisits(b, false) }

func benchmarkVisits(b *testing.B, routed bool) {
	const visitors = 4
	servers := startServers(b)
	var all []*browser
	for i := range visitors * 3 {
		v := newBrowser(b, "http://"+servers["a"].addr) // cookies know no ports
		v.login(fmt.Sprint("user", i))
		all = append(all, v)
	}
	var began syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &began); err != nil {
		b.Fatal(err)
	}
	since := time.Now()
	b.ResetTimer()
	var done sync.WaitGroup
	for k := range visitors {
		done.Go(func() {
			for i := k; i < b.N; i += visitors {
				v := all[k*3+i/visitors%3]
				name := v.cookie(routeCookie)
				if !routed {
					name = names[i/visitors/3%len(names)]
				}
				if status, body, _ := v.answer(v.http.Get("http://" + servers[name].addr + "/")); status != http.StatusOK {
					b.Errorf("%d %s", status, body)
					return
				}
			}
		})
	}
	done.Wait()
	b.StopTimer()
	took := time.Since(since)
	var ended syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &ended); err != nil {
		b.Fatal(err)
	}
	used := time.Duration(ended.Utime.Nano() + ended.Stime.Nano() - began.Utime.Nano() - began.Stime.Nano())
	b.ReportMetric(float64(b.N)/took.Seconds(), "requests/s")
	b.ReportMetric(float64(used.Microseconds())/float64(b.N), "cpu-µs/request")
}
