package main

import (
	"context"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/sessnode/sessnode/bench/peers/rounds"
)

// libraries are those whose versions matter.
var libraries = []string{"github.com/redis/go-redis/v9", "github.com/buraksezer/olric"}

// versions are those of what is measured.
func versions(ctx context.Context, plan rounds.Plan) []string {
	list := []string{runtime.Version(), firstLine(ctx, plan.Sessnode, "version")}
	if slices.Contains(plan.Products, "redis") {
		list = append(list, firstLine(ctx, "redis-server", "--version"))
	}
	if slices.Contains(plan.Products, "tomcat") {
		list = append(list, "Tomcat of tomcat10 "+firstLine(ctx, "dpkg-query", "-W", "-f", "${Version}", "tomcat10"))
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if slices.Contains(libraries, m.Path) {
				list = append(list, m.Path+" "+m.Version)
			}
		}
	}
	return list
}

// firstLine is what a program says first; of one that cannot be run, why.
func firstLine(ctx context.Context, program string, args ...string) string {
	text, err := exec.CommandContext(ctx, program, args...).Output()
	if err != nil {
		return program + ": " + err.Error()
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return line
}
