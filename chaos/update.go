package chaos

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/sessnode/sessnode/chaos/history"
	"github.com/sessnode/sessnode/client"
)

// idHeader carries the session's id in the requests that handlers get.
const idHeader = "Session"

// values is a codec of text, as [encode] stores it.
type values struct{}

var _ client.Codec = values{}

// Encode is encode of a string.
func (values) Encode(v any) ([]byte, error) {
	text, ok := v.(string)
	if !ok {
		return nil, fmt.Errorf("%T is no string", v)
	}
	return encode(text, 0), nil
}

// Decode is decode into a string.
func (values) Decode(data []byte, v any) error {
	text, ok := v.(*string)
	if !ok {
		return fmt.Errorf("%T is no place for a string", v)
	}
	*text = decode(data)
	return nil
}

// update raises a counter by one with client.Session.Update, in a handler that serves one request.
func (a *actor) update(ctx context.Context, workload, id, attr string) history.Answer {
	return a.do(history.Call{Workload: workload, Kind: history.Increment, Attr: attr}, id, func() history.Answer {
		next, err := a.handle(ctx, id, attr)
		answer := answerOf(err)
		if answer.Outcome == history.OK {
			answer.Output = next
		}
		return answer
	})
}

// handle has a handler answer a request of a session.
func (a *actor) handle(ctx context.Context, id, attr string) (next string, err error) {
	manager, err := client.ManagerConfig{Store: a.store, App: app, Header: idHeader, Codec: values{}, Idle: -1,
		Log: slog.New(slog.DiscardHandler)}.Build()
	if err != nil {
		return "", err
	}
	request, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodPost, "/", nil)
	if err != nil {
		return "", err
	}
	request.Header.Set(idHeader, id)
	err = errors.New("the handler was not called")
	manager.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s := client.FromContext(r.Context())
		err = s.Update(r.Context(), func() error {
			if err := s.Missing(); err != nil {
				return err // it would begin another session
			}
			next, err = raise(s, attr)
			return err
		})
	})).ServeHTTP(nobody{http.Header{}}, request)
	return next, err
}

// raise raises a counter of a session.
func raise(s *client.Session, attr string) (next string, err error) {
	text, err := client.Get[string](s, attr)
	if err != nil {
		return "", err
	}
	n := 0
	if text != "" {
		if n, err = strconv.Atoi(text); err != nil {
			return "", fmt.Errorf("the counter is %q", text)
		}
	}
	next = strconv.Itoa(n + 1)
	return next, client.Set(s, attr, next)
}

// nobody reads a response.
type nobody struct{ header http.Header }

// Header is that of the response.
func (n nobody) Header() http.Header { return n.header }

// Write takes everything.
func (nobody) Write(b []byte) (int, error) { return len(b), nil }

// WriteHeader does nothing.
func (nobody) WriteHeader(int) {}
