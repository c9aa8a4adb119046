package report

// targets are all that a run is held to, in the order of the report.
func targets() []Target {
	return []Target{
		least("cart, 64 callers, remote / Redis", "remote", "redis", "cart-64", Rate, 1.5, 2.5),
		least("cart, 512 callers, remote / Redis", "remote", "redis", "cart-512", Rate, 2, 4),
		least("cart, 64 callers, embedded, routed / Redis", "embedded-routed", "redis", "cart-64", Rate, 3, 5),
		overTomcat(),
		most("CPU per request, 64 callers, remote / Redis", "remote", "redis", "cart-64", CPU, 0.75, 0.5),
		most("CPU per request, 64 callers, embedded, routed / Redis", "embedded-routed", "redis", "cart-64", CPU, 0.4, 0.25),
		most("bytes per request, remote / Redis", "remote", "redis", "cart-64", Bytes, 1./10, 1./20),
		most("bytes per request, embedded / Redis", "embedded", "redis", "cart-64", Bytes, 1./20, 1./40),
		most("bytes per request, embedded, routed / Redis", "embedded-routed", "redis", "cart-64", Bytes, 1./20, 1./40),
		most("one caller, p50, remote / Redis", "remote", "redis", "cart-1", P50, 3, 2),
		most("one caller, p50, embedded, routed / Redis", "embedded-routed", "redis", "cart-1", P50, 1.3, 1),
		bound("browse, embedded, slot local: p50", "embedded-routed", "browse-1", P50, 2, 0.5, 1, " µs"),
		bound("browse, embedded, slot local: bytes on the network", "embedded-routed", "browse-1", Bytes, 1, 0, 1, ""),
		browseAllocations(),
		nodes(),
		most("memory of a 1 KiB session and copy, live heap / Redis", "embedded", "redis", Memory, LiveBytes, 1, 0),
		bound("GC pause p99, 1,000,000 sessions", "embedded", Million, PauseP99, 1, 0, 1000, " ms"),
		bound("first success after kill -9, median", "remote", Failover, Median, 0.5, 0.25, 1e6, " s"),
		bound("first success after kill -9, worst of 50", "remote", Failover, Worst, 1.6, 0, 1e6, " s"),
		spread("p99 / p50 at 512 callers, remote", "remote", "cart-512", P99, P50, 3),
		spread("p99 / p50 at 512 callers, embedded, routed", "embedded-routed", "cart-512", P99, P50, 3),
		bound("longest of all at 512 callers, remote", "remote", "cart-512", Longest, 0.5, 0, 1e6, " s"),
		bound("longest of all at 512 callers, embedded, routed", "embedded-routed", "cart-512", Longest, 0.5, 0, 1e6, " s"),
	}
}

// overTomcat compares with the faster of Tomcat's two modes.
func overTomcat() Target {
	return Target{Name: "cart over HTTP, embedded, routed / Tomcat", Limit: 2.5, Moonshot: 4, Unit: " ×", value: func(r *Results) (float64, bool) {
		ours, ok := r.Get("http-routed", "cart-64", Rate)
		routed, okRouted := r.Get("tomcat-routed", "cart-64", Rate)
		anywhere, okAnywhere := r.Get("tomcat", "cart-64", Rate)
		return ours / max(routed, anywhere), ok && (okRouted || okAnywhere)
	}}
}

// browseAllocations rounds to whole ones: what the rest of a node allocates meanwhile is not a request's.
func browseAllocations() Target {
	t := bound("browse, embedded, slot local: allocations", "embedded-routed", "browse-1", Allocs, 1.05, 0.05, 1, "")
	return t
}

func nodes() Target {
	return Target{Name: "CPU per request at a fixed rate, 15 nodes / 3", AtMost: true, Limit: 1.6, Moonshot: 1.2, Unit: " ×", value: func(r *Results) (float64, bool) {
		many, ok := r.Get("remote", Nodes(15), CPU)
		few, okFew := r.Get("remote", Nodes(3), CPU)
		return many / few, ok && okFew && few != 0
	}}
}
