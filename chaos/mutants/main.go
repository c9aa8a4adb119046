package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"text/tabwriter"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	r := &runner{root: "."}
	flag.IntVar(&r.seeds, "seeds", 300, "`number` of seeds of the replay that a mutant may survive")
	flag.DurationVar(&r.limit, "limit", 2*time.Minute, "how long the replay of one mutant may take")
	inLab := flag.Bool("lab", false, "show the mutants that have faults for it to the lab, instead of the replay")
	only := flag.String("only", "", "`regexp` of the names of mutants")
	flag.Parse()
	if err := r.run(ctx, *only, *inLab); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

// runner shows mutants to what should catch them.
type runner struct {
	root     string        // of the module
	seeds    int           // of the replay
	limit    time.Duration // of one replay
	dir      string        // for builds; one directory per mutant
	sessnode string        // of the product, which runs the lab
}

// errSurvived means that something was not found.
var errSurvived = errors.New("a mutant survived")

// run shows every mutant whose name matches, after the product as it is, and prints a table.
func (r *runner) run(ctx context.Context, only string, inLab bool) error {
	mutants, err := chosen(filepath.Join(r.root, "chaos", "mutants", "testdata"), only, inLab)
	if err != nil {
		return err
	}
	r.dir, err = os.MkdirTemp("", "mutants-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(r.dir)
	began := time.Now()
	if err := r.control(ctx, mutants, inLab); err != nil {
		return err
	}
	findings, err := r.showAll(ctx, mutants, inLab, began)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	printTable(mutants, findings)
	caught := len(findings) - survivors(findings)
	fmt.Printf("%d of %d caught in %.0f s\n", caught, len(findings), time.Since(began).Seconds())
	if err == nil && caught < len(findings) && !inLab { // in the lab chance has a part
		err = fmt.Errorf("%w: give the replay a fault or a client that needs the rule", errSurvived)
	}
	return err
}

// showAll shows every mutant and tells of each. One that does not build or run is an error, and does not stop the others.
func (r *runner) showAll(ctx context.Context, mutants []mutant, inLab bool, began time.Time) ([]finding, error) {
	var findings []finding
	var broken []error
	for i, m := range mutants {
		f, err := r.show(ctx, m, inLab)
		if err != nil {
			broken = append(broken, fmt.Errorf("%s: %w", m.name, err))
			f = finding{text: "does not build or run, see below"}
		}
		if ctx.Err() != nil {
			break
		}
		findings = append(findings, f)
		fmt.Printf("%5.0f s  %d of %d  %s\n", time.Since(began).Seconds(), i+1, len(mutants), sentence(m.name, f))
	}
	return findings, errors.Join(broken...)
}

// survivors counts the mutants of which nothing was found.
func survivors(findings []finding) (n int) {
	for _, f := range findings {
		if !f.caught {
			n++
		}
	}
	return n
}

// chosen are the mutants to show.
func chosen(dir, only string, inLab bool) ([]mutant, error) {
	all, err := readMutants(dir)
	if err != nil {
		return nil, err
	}
	wanted, err := regexp.Compile(only)
	if err != nil {
		return nil, err
	}
	var some []mutant
	for _, m := range all {
		if wanted.MatchString(m.name) && (!inLab || len(m.lab) > 0) {
			some = append(some, m)
		}
	}
	if len(some) == 0 {
		return nil, fmt.Errorf("no mutant is called %q", only)
	}
	return some, nil
}

// control runs what the mutants will be shown to on the product as it is. Whatever is found there says nothing of them.
func (r *runner) control(ctx context.Context, mutants []mutant, inLab bool) error {
	product := mutant{name: "product"}
	var runs []mutant
	if !inLab {
		runs = append(runs, product)
	} else {
		r.sessnode = filepath.Join(r.dir, "sessnode")
		if err := r.goTool(ctx, "build", "-o", r.sessnode, "./cmd/sessnode"); err != nil {
			return err
		}
		seen := map[string]bool{}
		for _, m := range mutants {
			if key := strings.Join(m.lab, "\n"); !seen[key] {
				seen[key] = true
				runs = append(runs, mutant{name: "product", lab: m.lab})
			}
		}
	}
	for _, p := range runs {
		f, err := r.show(ctx, p, inLab)
		if err != nil {
			return err
		}
		fmt.Printf("%5.0f s  %s\n", f.took.Seconds(), sentence("the product as it is", f))
		if f.caught || strings.HasPrefix(f.text, "not done") {
			return errors.New("the product as it is does not pass; what is said of mutants would mean nothing")
		}
	}
	return nil
}

// show builds one mutant and runs what should catch it.
func (r *runner) show(ctx context.Context, m mutant, inLab bool) (finding, error) {
	dir, err := os.MkdirTemp(r.dir, m.name+"-")
	if err != nil {
		return finding{}, err
	}
	defer os.RemoveAll(dir)
	overlay, err := m.overlay(r.root, dir)
	if err != nil {
		return finding{}, err
	}
	if inLab {
		return r.lab(ctx, overlay, dir, m.lab)
	}
	return r.replay(ctx, overlay, dir, m.trial)
}

// sentence is a finding as a line of progress.
func sentence(name string, f finding) string {
	if !f.caught {
		return fmt.Sprintf("%s: %s", name, f.text)
	}
	return fmt.Sprintf("%s: %s, after %s: %s", name, f.by, f.after(), shorten(f.text, 100))
}

// after is how much was run until something was found.
func (f *finding) after() string {
	if f.seed > 0 {
		return fmt.Sprintf("seed %d, %.1f s", f.seed, f.took.Seconds())
	}
	return fmt.Sprintf("%.1f s", f.took.Seconds())
}

// shorten is the first runes of a text.
func shorten(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}

func printTable(mutants []mutant, findings []finding) {
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\nMUTANT\tGUARANTEE\tTHE RULE TAKEN OUT\tCAUGHT BY\tAFTER")
	for i, m := range mutants {
		by := "NOTHING"
		if findings[i].caught {
			by = findings[i].by
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", m.name, m.guarantee, m.rule, by, findings[i].after())
	}
	t.Flush()
	fmt.Println()
}
