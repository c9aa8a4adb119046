package wire

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/quic-go/quic-go"
)

// listen starts to admit connections.
func (e *Endpoint) listen() error {
	conf := e.conf.quicConfig(lanesMax)
	conf.MaxIncomingStreams += lanesMax // the dialer opens the lanes
	conf.GetConfigForClient = func(*quic.ClientInfo) (*quic.Config, error) {
		if e.full() || !e.flood.begin(time.Now()) {
			return nil, ErrBusy // before the handshake costs anything
		}
		return conf, nil
	}
	listener, err := e.transport.Listen(e.creds.server(), conf)
	if err != nil {
		return fmt.Errorf("listen: %w", explain(err))
	}
	e.listener = listener
	// The accept loop owns no state; it ends when the listener is closed, and Close joins it.
	e.tasks.Go(e.acceptLoop)
	return nil
}

// acceptLoop gives each connection whose certificate has been verified to a goroutine that admits it; as many as
// ConnsMax run, each no longer than HandshakeTimeout plus the wait for Accept, and Close joins them.
func (e *Endpoint) acceptLoop() {
	for {
		qc, err := e.listener.Accept(e.ctx)
		if err != nil {
			return // only closing ends it
		}
		if err := e.register(qc, true); err != nil {
			_ = qc.CloseWithError(codeBusy, err.Error()) // always nil
			continue
		}
		e.tasks.Go(func() { e.admit(qc) })
	}
}

// admit takes the lanes that the dialer opens and hands the connection to Accept.
func (e *Endpoint) admit(qc *quic.Conn) {
	c, err := e.takeLanes(qc)
	if err != nil {
		level := slog.LevelInfo
		if errors.Is(err, ErrPeerClosed) {
			level = slog.LevelDebug // it changed its mind
		}
		e.conf.Logger.Log(context.Background(), level, "connection refused", "peer", qc.RemoteAddr().String(), "error", err)
		_ = qc.CloseWithError(codeProtocol, "no lanes in time") // always nil
		return
	}
	select {
	case e.accepted <- c:
	case <-qc.Context().Done():
	case <-e.ctx.Done(): // Close closes the connection
	}
}

// takeLanes receives the lanes, which are the dialer's first streams in the order of their numbers, and answers the
// first.
func (e *Endpoint) takeLanes(qc *quic.Conn) (*Conn, error) {
	peer, err := e.creds.peer(qc.ConnectionState().TLS)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(qc.Context(), e.conf.HandshakeTimeout)
	defer cancel()
	first, h, err := takeLane(ctx, qc, header{kind: kindLane})
	if err != nil {
		return nil, err
	}
	streams := []*quic.Stream{first}
	for want := h; len(streams) < h.lanes; {
		want.lane++
		s, _, err := takeLane(ctx, qc, want)
		if err != nil {
			return nil, err
		}
		streams = append(streams, s)
	}
	if _, err := first.Write(h.encode()); err != nil {
		return nil, explain(err)
	}
	return newConn(e, qc, peer, streams), nil
}

// takeLane accepts one stream, which must be the lane wanted; want.lanes 0 accepts any number of lanes.
func takeLane(ctx context.Context, qc *quic.Conn, want header) (*quic.Stream, header, error) {
	s, err := qc.AcceptStream(ctx)
	if err != nil {
		return nil, header{}, fmt.Errorf("wait for lane %d: %w", want.lane, explain(err))
	}
	h, err := readHeaderBefore(ctx, s)
	if err != nil {
		return nil, header{}, err
	}
	if want.lanes == 0 {
		want.lanes = h.lanes
	}
	if h != want {
		return nil, header{}, fmt.Errorf("%w: lane %d of %d came as %d of %d", ErrProtocol, want.lane, want.lanes, h.lane, h.lanes)
	}
	return s, h, nil
}

// readHeaderBefore is readHeader, given up when ctx is done.
func readHeaderBefore(ctx context.Context, s *quic.Stream) (header, error) {
	stop := context.AfterFunc(ctx, func() { _ = s.SetReadDeadline(time.Unix(1, 0)) }) // always nil
	h, err := readHeader(s)
	if !stop() && err == nil {
		err = context.Cause(ctx) // the deadline may come at any later moment
	}
	if err != nil && ctx.Err() != nil {
		return header{}, cause(ctx)
	}
	return h, explain(err)
}
