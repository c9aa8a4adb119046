package node

import "runtime/debug"

// modulePath is that of this module.
const modulePath = "github.com/sessnode/sessnode"

// version is the version of this module as the go command recorded it, in whatever program it runs.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(devel)"
	}
	found := info.Main
	for _, m := range info.Deps {
		if m.Path == modulePath {
			found = *m
		}
	}
	if found.Path != modulePath || found.Version == "" {
		return "(devel)"
	}
	return found.Version
}
