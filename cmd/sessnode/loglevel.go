package main

import (
	"errors"
	"log/slog"
	"strings"
)

// logLevel is a flag's level of the log.
type logLevel slog.Level

// Set implements flag.Value.
func (l *logLevel) Set(text string) error {
	for _, known := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		if strings.EqualFold(text, known.String()) {
			*l = logLevel(known)
			return nil
		}
	}
	return errors.New("choose debug, info, warn or error")
}

// String implements flag.Value.
func (l *logLevel) String() string { return strings.ToLower(slog.Level(*l).String()) }
