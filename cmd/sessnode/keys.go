package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"

	"github.com/sessnode/sessnode/wire"
)

// keyVariable is the environment variable that may hold a key itself. No flag does: other users can read the command
// lines of processes.
const keyVariable = "SESSNODE_KEY"

// defineKeyFile adds -key-file to a command's flags.
func defineKeyFile(flags *flag.FlagSet, file *string) {
	flags.StringVar(file, "key-file", "", "`FILE` with the key, see 'sessnode keygen'; or the key itself in "+keyVariable)
}

// readKey is the key in a file or, where none is named, in the environment. The zero key, which stands for the
// development key, when there is neither.
func readKey(file string) (wire.Key, error) {
	text := os.Getenv(keyVariable)
	switch {
	case file == "" && text == "":
		return wire.Key{}, nil
	case file == "":
		key, err := wire.ParseKey(text)
		if err != nil {
			return wire.Key{}, fmt.Errorf("key in %s: %w", keyVariable, err)
		}
		return key, nil
	case text != "":
		return wire.Key{}, configError{fmt.Errorf("a key file and %s are both given: choose one", keyVariable)}
	}
	return readKeyFile(file)
}

func readKeyFile(file string) (wire.Key, error) {
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return wire.Key{}, configError{fmt.Errorf("key file %s does not exist: make one with 'sessnode keygen -o %s'", file, file)}
	}
	if err != nil {
		return wire.Key{}, configError{fmt.Errorf("key file: %w", err)}
	}
	if info.IsDir() {
		return wire.Key{}, configError{fmt.Errorf("key file %s is a directory: name the file in it", file)}
	}
	if mode := info.Mode(); isExposed(mode) {
		return wire.Key{}, configError{fmt.Errorf("key file %s has mode %v, so that others can read or change it: run 'chmod 600 %s'",
			file, mode, file)}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return wire.Key{}, configError{fmt.Errorf("key file: %w", err)}
	}
	key, err := wire.ParseKey(string(text))
	if err != nil {
		return wire.Key{}, fmt.Errorf("key file %s: %w", file, err)
	}
	return key, nil
}

// isExposed reports whether more than the owner can change a file or more than its group can read it. A group may read,
// as services often run under a user of their own. Windows has no such modes.
func isExposed(mode fs.FileMode) bool {
	return runtime.GOOS != "windows" && mode.Perm()&0o027 != 0
}

// readKeys is the keys in a list of files, separated by commas.
func readKeys(files string) ([]wire.Key, error) {
	var keys []wire.Key
	for _, file := range splitList(files) {
		key, err := readKeyFile(file)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// splitList is the elements of a list separated by commas, without spaces and empty ones.
func splitList(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}
