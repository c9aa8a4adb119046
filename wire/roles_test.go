package wire

import (
	"errors"
	"testing"
	"time"
)

// What each role may send, written down a second time and by other means than the table: every frame is for nodes alone
// unless it stands here.
func mayByHand(role Role, frameType uint64) bool {
	switch frameType {
	case typeRequest, typeLayoutWanted:
		return true
	case typeAdminRequest: // a client gets the answer that it may not
		return true
	}
	return role == RoleNode
}

// Every frame type has an entry, and every role beside it is as it should be. A new frame without an entry fails.
func TestRolesOfEveryFrame(t *testing.T) {
	for frameType, name := range typeNames {
		if _, ok := mayBeSent[frameType]; !ok {
			t.Errorf("%d %s: nobody has said who may send it: add it to mayBeSent", frameType, name)
		}
		for role := range roleNames {
			err := Peer{Role: role}.maySend(frameType)
			if want := mayByHand(role, frameType); (err == nil) != want || err != nil && !errors.Is(err, ErrRole) {
				t.Errorf("%s from a %v: %v, allowed should be %v", name, role, err, want)
			}
		}
		if err := (Peer{}).maySend(frameType); err == nil {
			t.Errorf("%s from a peer without a role is let through", name)
		}
	}
	for frameType := range mayBeSent {
		if typeNames[frameType] == "" {
			t.Errorf("frame %d may be sent and there is none", frameType)
		}
	}
	if (Peer{Role: RoleClient}).Administers() || !(Peer{Role: RoleAdmin}).Administers() {
		t.Error("administrators administer, clients do not")
	}
}

// A frame without an entry is refused to all until somebody gives it one.
func TestFrameWithoutAnEntry(t *testing.T) {
	typeNames[99] = "Forgotten"
	defer delete(typeNames, 99)
	for role := range roleNames {
		if err := (Peer{Role: role}).maySend(99); !errors.Is(err, ErrRole) {
			t.Errorf("from a %v: %v, want ErrRole", role, err)
		}
	}
	if err := (Peer{Role: RoleClient}).maySend(98); err != nil {
		t.Errorf("a frame of a later version: %v, should be skipped", err)
	}
}

// Over a real connection: for each frame type a client or administrator that sends it loses the connection before the
// handler sees it, or is served.
func TestRolesOnTheWire(t *testing.T) {
	key := testKey(t, 1)
	for _, dialer := range []EndpointConfig{
		{Key: appKeyOf(t, key, "shop"), Role: RoleClient}, {Key: key, Role: RoleAdmin},
	} {
		server, from := listen(t, EndpointConfig{Key: key}), listen(t, dialer)
		for frameType, name := range typeNames {
			handler := newCollect()
			dialed, accepted := connect(t, from, server, hooks{}, handler)
			if err := dialed.Send(0, &Frame{Type: frameType, Payload: []byte("forged")}); err != nil {
				t.Fatal(err)
			}
			if mayByHand(dialer.Role, frameType) {
				handler.wait(t, 0, 1)
				dialed.Close("done")
				continue
			}
			select {
			case <-dialed.Done():
				<-accepted.Done()
			case <-time.After(3 * time.Second):
				t.Fatalf("%s from a %v is let through", name, dialer.Role)
			}
			if got := handler.frames[0]; len(got) > 0 || !errors.Is(dialed.Err(), ErrRole) {
				t.Errorf("%s from a %v: %d frames let through, and %v", name, dialer.Role, len(got), dialed.Err())
			}
			if name == "Claims" {
				t.Logf("attacker with %v sends Claims and gets: %v", dialer.Key, dialed.Err())
			}
		}
	}
}
