module github.com/sessnode/sessnode/client/gorillastore

go 1.26.0

require (
	github.com/gorilla/sessions v1.4.0
	github.com/sessnode/sessnode v0.0.0
)

require (
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/gorilla/securecookie v1.1.2 // indirect
	github.com/quic-go/quic-go v0.65.0 // indirect
	golang.org/x/crypto v0.55.0 // indirect
	golang.org/x/net v0.58.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace github.com/sessnode/sessnode => ../..
