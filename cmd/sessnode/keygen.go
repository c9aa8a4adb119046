package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"

	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/sessnode/sessnode/wire"
)

func (p *program) keygenCommand() *ffcli.Command {
	flags := newFlags("keygen")
	output := flags.String("o", "", "`FILE` to write, readable by its owner alone; an existing one is left alone. Default: standard output")
	ofClient := flags.Bool("client", false, "make the client key that belongs to the cluster key of -from or "+keyVariable)
	from := flags.String("from", "", "`FILE` with the cluster key, or for -app the client key; with -client")
	app := flags.String("app", "", "`APP`lication that the client key opens, and no other; with -client")
	return &ffcli.Command{
		Name:       "keygen",
		ShortUsage: "sessnode keygen [-o FILE] [-client [-from FILE] [-app APP]]",
		ShortHelp:  "make the key that nodes and clients of a cluster share",
		LongHelp: `A cluster key runs nodes and administers them. A client key, made from it, opens sessions and nothing else: give
that one to applications. The same cluster key always gives the same client key. With -app the key opens the sessions of
one application alone; nodes need not be told.

EXAMPLE
  sessnode keygen -o cluster.key
  sessnode keygen -client -from cluster.key -o client.key
  sessnode keygen -client -app shop -from cluster.key -o shop.key`,
		FlagSet: flags,
		Exec: func(_ context.Context, args []string) error {
			if err := noArguments(args); err != nil {
				return err
			}
			key, err := chooseKey(*ofClient, *from, *app)
			if err != nil {
				return err
			}
			return p.putKey(key, *output)
		},
	}
}

// chooseKey makes a new cluster key, or the client key of an old one.
func chooseKey(ofClient bool, from, app string) (wire.Key, error) {
	if !ofClient {
		if app != "" {
			return wire.Key{}, usageError{errors.New("-app goes with -client: a cluster key opens every application")}
		}
		if from != "" {
			return wire.Key{}, usageError{errors.New("-from goes with -client: a new cluster key comes from nothing")}
		}
		return wire.GenerateKey(rand.Reader)
	}
	cluster, err := readKey(from)
	if err != nil {
		return wire.Key{}, err
	}
	if cluster.IsZero() {
		return wire.Key{}, usageError{errors.New("-client needs the cluster key: name its file with -from")}
	}
	if app != "" {
		return cluster.AppKey(app)
	}
	return cluster.ClientKey()
}

// putKey writes a key where only its owner can read it, and says what was made without betraying it.
func (p *program) putKey(key wire.Key, file string) error {
	if file == "" {
		_, err := fmt.Fprintln(p.out, key.Text())
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return configError{fmt.Errorf("%s exists: remove it or choose another name; a cluster key that is lost locks its cluster", file)}
	}
	if err != nil {
		return configError{err}
	}
	_, err = fmt.Fprintln(f, key.Text())
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(file))
	}
	kind := "cluster key"
	if key.IsClient() {
		kind = "client key"
	}
	if key.App() != "" {
		kind += " for the application " + strconv.Quote(key.App())
	}
	_, err = fmt.Fprintf(p.err, "%s written to %s; fingerprint %s\n", kind, file, key.Fingerprint())
	return err
}
