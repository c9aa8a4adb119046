package main

import (
	"errors"
	"flag"

	"github.com/sessnode/sessnode/wire"
)

// tlsFiles is the flags for certificates of an operator's own.
type tlsFiles struct{ cert, key, ca string }

// define adds the flags to a command's.
func (t *tlsFiles) define(flags *flag.FlagSet) {
	flags.StringVar(&t.cert, "tls-cert", "", "`FILE` with a certificate of your own authority, PEM, in place of one from the key; see docs/SECURITY.md")
	flags.StringVar(&t.key, "tls-key", "", "`FILE` with its private key, PEM, that others cannot read")
	flags.StringVar(&t.ca, "tls-ca", "", "`FILE` with the authorities that peers' certificates come from, PEM")
}

// load is the certificates that the flags name; nil if they name none.
func (t *tlsFiles) load() (*wire.PKI, error) {
	if *t == (tlsFiles{}) {
		return nil, nil
	}
	if t.cert == "" || t.key == "" || t.ca == "" {
		return nil, usageError{errors.New("-tls-cert, -tls-key and -tls-ca go together: name all three")}
	}
	if err := checkSecretFile("private key", t.key); err != nil {
		return nil, err
	}
	pki, err := wire.LoadPKI(t.cert, t.key, t.ca)
	if err != nil {
		return nil, configError{err}
	}
	return pki, nil
}
