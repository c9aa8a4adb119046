package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
)

// configFlag names the file with settings; it stands on the command line or in the environment.
const configFlag = "config"

// jsonFlag asks for another form of output and is no setting, though it stands beside them.
const jsonFlag = "json"

// isSetting reports whether a flag is a setting that a file may hold.
func isSetting(name string) bool { return name != configFlag && name != jsonFlag }

// origins says where each setting that is not its default comes from, such as "flag", "SESSNODE_BIND" or
// "sessnode.toml:3", by the name of the setting.
type origins map[string]string

// originFlag is the origin of what stands on the command line.
const originFlag = "flag"

// settle completes parsed flags: what the command line leaves open, the environment says, and what that leaves open, the
// file that -config names.
func settle(flags *flag.FlagSet) (origins, error) {
	from := origins{}
	flags.Visit(func(f *flag.Flag) { from[f.Name] = originFlag })
	if err := from.environment(flags); err != nil {
		return nil, err
	}
	file := flags.Lookup(configFlag).Value.String()
	if file == "" {
		return from, nil
	}
	entries, mistakes, err := readSettings(file, flags)
	if err != nil {
		return nil, err
	}
	if len(mistakes) > 0 {
		return nil, configError{fmt.Errorf("%s:%w: see 'sessnode config check %s'", file, mistakes[0], file)}
	}
	for _, e := range entries {
		if from[e.name] != "" {
			continue
		}
		if err := flags.Set(e.name, e.value); err != nil {
			return nil, configError{fmt.Errorf("%s:%w: see 'sessnode config check %s'", file, badValue(e, flags, err), file)}
		}
		from[e.name] = fmt.Sprintf("%s:%d", file, e.line)
	}
	return from, nil
}

// environment sets what the command line leaves open. A variable that is empty says nothing.
func (from origins) environment(flags *flag.FlagSet) (err error) {
	flags.VisitAll(func(f *flag.Flag) {
		name := variableOf(f.Name)
		value := os.Getenv(name)
		if err != nil || from[f.Name] != "" || value == "" || f.Name == jsonFlag {
			return
		}
		if bad := flags.Set(f.Name, value); bad != nil {
			err = usageError{fmt.Errorf("setting %q from environment variable %q: %w: see 'sessnode serve -h'", f.Name, name, bad)}
			return
		}
		from[f.Name] = name
	})
	return err
}

// variableOf is the environment variable of a setting.
func variableOf(name string) string {
	return "SESSNODE_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// addressList is a flag's list, separated by commas; in a file it may be an array.
type addressList string

// Set implements flag.Value.
func (l *addressList) Set(text string) error {
	*l = addressList(text)
	return nil
}

// String implements flag.Value.
func (l *addressList) String() string {
	if l == nil {
		return ""
	}
	return string(*l)
}

// isSecret reports whether a value, or an element of a list, begins like a key: somebody wrote one where a file's name
// belongs.
func isSecret(value string) bool {
	return slices.ContainsFunc(splitList(value), func(v string) bool {
		return strings.HasPrefix(v, "sessnode-cluster-") || strings.HasPrefix(v, "sessnode-client-") || strings.HasPrefix(v, "sessnode-app-")
	})
}
