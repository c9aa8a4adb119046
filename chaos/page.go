package chaos

// pageText is the report's template.
const pageText = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>sessnode chaos, seed {{.Run.Seed}}</title>
<style>
body { font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 1040px; padding: 0 1em; color: #222 }
table { border-collapse: collapse; width: 100%; margin: .5em 0 1.5em } th, td { text-align: left; padding: .25em .6em; border-bottom: 1px solid #ddd; vertical-align: top }
svg { display: block; margin: .2em 0; background: #fafafa; overflow: visible } svg text { font-size: 11px; fill: #555 }
.good { fill: #6a9f6a } .bad { fill: #c0392b } .slow { fill: #4a78a8 } .fault { fill: #d98e32 } .split { fill: #d9a0a0; fill-opacity: .25 }
.ok { color: #2e7d32 } .violated { color: #c0392b; font-weight: bold } .undecided { color: #b9770e; font-weight: bold } .nothing-to-judge { color: #777 }
code, pre { font: 12px/1.4 ui-monospace, monospace } details { margin: .4em 0 } .note { color: #555 }
</style>
<h1>sessnode chaos</h1>
<p><strong>{{.Summary}}</strong></p>
<p class="note">{{.Run.Version}}, {{.Run.Nodes}} nodes{{if .Network}} on the network “{{.Network}}”{{end}}, begun {{.Run.Began.Format "2006-01-02 15:04:05 MST"}};
{{.Operations}} operations in {{seconds .Run.Length}}.</p>
{{range .Doubts}}<p class="undecided">{{.}}</p>{{end}}

<h2>Faults over throughput and latency</h2>
<p class="note">Point at a bar to see its numbers. Behind: splits, from the first packet that may have been dropped until the nodes were one cluster again.</p>
<svg width="{{.Width}}" height="{{.Lanes}}">{{range .Faults}}<g><title>{{.Title}}</title><rect class="{{.Class}}" x="{{.X}}" y="{{.Y}}" width="{{.W}}" height="{{.H}}"/>{{if .Short}}<text x="{{.X}}" y="{{.Y}}" dx="3" dy="11">{{.Short}}</text>{{end}}</g>{{end}}</svg>
<p class="note">Operations that began in each second, up to {{.Peak}}; red: not answered.</p>
<svg width="{{.Width}}" height="{{.Height}}">{{range .Splits}}<rect class="{{.Class}}" x="{{.X}}" y="{{.Y}}" width="{{.W}}" height="{{.H}}"><title>{{.Title}}</title></rect>{{end}}{{range .Throughput}}<rect class="{{.Class}}" x="{{.X}}" y="{{.Y}}" width="{{.W}}" height="{{.H}}"><title>{{.Title}}</title></rect>{{end}}</svg>
<p class="note">Latency that 99 of 100 of them do not pass, up to {{.Slowest}}; locks, which wait for others, left out.</p>
<svg width="{{.Width}}" height="{{.Height}}">{{range .Splits}}<rect class="{{.Class}}" x="{{.X}}" y="{{.Y}}" width="{{.W}}" height="{{.H}}"><title>{{.Title}}</title></rect>{{end}}{{range .Latency}}<rect class="{{.Class}}" x="{{.X}}" y="{{.Y}}" width="{{.W}}" height="{{.H}}"><title>{{.Title}}</title></rect>{{end}}</svg>
<svg width="{{.Width}}" height="16">{{range .Seconds}}<text x="{{.X}}" y="12">{{.Text}}</text>{{end}}</svg>

<h2>Guarantees</h2>
<table><tr><th>Guarantee<th>Check<th>Verdict<th>Looked at<th>Violations<th>Excused</tr>
{{range .Verdicts}}<tr><td>{{.Guarantee}} {{.Guarantee.Title}}<td>{{.Check}}<td class="{{class .Result}}">{{.Result}}<td>{{.Looked}}<td>{{.Found}}<td>{{.Excused}}</tr>
{{end}}</table>
{{range .Verdicts}}{{if or .Violations .Open}}<h3>{{.Guarantee}} {{.Check}}: {{.Result}}</h3>
{{range .Violations}}<details open><summary class="violated">{{.Text}}</summary>
<table><tr><th>#<th>Client<th>What<th>Attribute<th>Input<th>Outcome<th>Output<th>Stamp<th>Copies<th>From<th>Until</tr>
{{range .Operations}}<tr><td>{{.ID}}<td>{{.Client}}<td>{{.Kind}}<td>{{.Attr}}<td>{{.Input}}<td>{{.Outcome}} {{.Gone}} {{.Error}}<td>{{.Output}}<td><code>{{.Stamp}}{{.Granted}}</code><td>{{.Copies}}<td>{{seconds .Invoked}}<td>{{seconds .Returned}}</tr>
{{end}}</table></details>{{end}}
{{range .Open}}<p class="undecided">{{.}}</p>{{end}}{{end}}{{end}}

<h2>Faults</h2>
<table><tr><th>Fault<th>Whom<th>From<th>Until<th>Longest gap<th>How it bit</tr>
{{range .Availability.Faults}}<tr><td>{{.Fault.Kind}}<td>{{list .Fault.Whom}}<td>{{seconds .Fault.From}}<td>{{seconds .Fault.Until}}<td>{{gap .Longest}}<td>{{bit .Fault}}</tr>
{{end}}</table>

<h2>Availability</h2>
<table><tr><th>Workload<th>Asked<th>Answered<th>Longest gap of a session</tr>
{{range .Availability.Workloads}}<tr><td>{{.Workload}}<td>{{.Asked}}<td>{{share .Answered .Asked}}<td>{{gap .Longest}}{{if .Longest.Session}} from {{seconds .Longest.From}}{{end}}</tr>
{{end}}</table>
{{if .Schedule}}<h2>Schedule</h2><pre>{{range .Schedule}}{{.}}
{{end}}</pre>{{end}}
</html>
`
