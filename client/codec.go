package client

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
)

// Codec turns attributes into bytes and back. Implementations are safe for concurrent use. Every application that
// shares a session must use the same one.
type Codec interface {
	// Encode is v as bytes; the caller owns them.
	Encode(v any) ([]byte, error)
	// Decode stores what data means in the value that v points to. It must neither keep nor modify data.
	Decode(data []byte, v any) error
}

// JSON is the default codec.
type JSON struct{}

var _ Codec = JSON{}

// Encode is [json.Marshal].
func (JSON) Encode(v any) ([]byte, error) { return json.Marshal(v) }

// Decode is [json.Unmarshal].
func (JSON) Decode(data []byte, v any) error { return json.Unmarshal(data, v) }

// Gob keeps what JSON loses: integers above 2⁵³ in an any, maps with any keys, types behind interfaces that were
// registered with [gob.Register]. Every attribute carries the description of its type, so that small ones are several
// times as large as in JSON, and nothing but Go reads them. Nil pointers cannot be encoded.
type Gob struct{}

var _ Codec = Gob{}

// Encode writes v as a gob stream of one value.
func (Gob) Encode(v any) ([]byte, error) {
	var b bytes.Buffer
	err := gob.NewEncoder(&b).Encode(v)
	return b.Bytes(), err
}

// Decode reads a gob stream of one value.
func (Gob) Decode(data []byte, v any) error { return gob.NewDecoder(bytes.NewReader(data)).Decode(v) }
