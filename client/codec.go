package client

import "encoding/json"

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
