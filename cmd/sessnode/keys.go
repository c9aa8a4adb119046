package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/sessnode/sessnode/wire"
)

// keyVariable is the environment variable that may hold a key itself. No flag does: other users can read the command
// lines of processes. credential is the file with a key in systemd's $CREDENTIALS_DIRECTORY, of LoadCredential=.
const (
	keyVariable = "SESSNODE_KEY"
	credential  = "sessnode-key"
)

// defineKeyFile adds -key-file to a command's flags.
func defineKeyFile(flags *flag.FlagSet, file *string) {
	flags.StringVar(file, "key-file", "", "`FILE` with the key, see 'sessnode keygen'; or the key itself in "+keyVariable+", "+
		"or the file "+credential+" in $CREDENTIALS_DIRECTORY of systemd")
}

// readKey is the key in a file or, where none is named, in the environment or among systemd's credentials. The zero key,
// which stands for the development key, when there is none of them.
func readKey(file string) (wire.Key, error) {
	text := os.Getenv(keyVariable)
	switch {
	case file == "" && text == "":
		return readCredential()
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

// readCredential is the key that systemd hands a service; the zero key if there is none. Systemd keeps the file from others
// by rules that its mode does not show.
func readCredential() (wire.Key, error) {
	dir := os.Getenv("CREDENTIALS_DIRECTORY")
	if dir == "" {
		return wire.Key{}, nil
	}
	file := filepath.Join(dir, credential)
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return wire.Key{}, nil
	}
	return parseKeyFile(file)
}

func readKeyFile(file string) (wire.Key, error) {
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return wire.Key{}, configError{fmt.Errorf("key file %s does not exist: make one with 'sessnode keygen -o %s'", file, file)}
	}
	if err := checkSecretFile("key file", file); err != nil {
		return wire.Key{}, err
	}
	return parseKeyFile(file)
}

// checkSecretFile refuses what is no file, and one that others can read.
func checkSecretFile(what, file string) error {
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return configError{fmt.Errorf("%s: %w: name one that exists and can be read", what, err)}
	case info.IsDir():
		return configError{fmt.Errorf("%s %s is a directory: name the file in it", what, file)}
	case isExposed(info.Mode()):
		return configError{fmt.Errorf("%s %s has mode %v, so that others can read or change it: run 'chmod 600 %s'", what,
			file, info.Mode(), file)}
	}
	return nil
}

func parseKeyFile(file string) (wire.Key, error) {
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

// isExposed reports whether more than the owner can read or change a file. Windows has no such modes.
func isExposed(mode fs.FileMode) bool {
	return runtime.GOOS != "windows" && mode.Perm()&0o077 != 0
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
