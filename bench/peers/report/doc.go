// Package report keeps figures by mode and workload, compares them with targets, and shows them as a table, as JSON, as
// Markdown and as charts. It measures nothing.
package report
