package wire

import (
	"bytes"
	"strings"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// sampleNow is the instant at which the samples are encoded and decoded.
const sampleNow = time.Hour

// Stamps of the samples: 2026-03-01 12:00:00.250 UTC, and 4 s and 10 min before it.
const sampleWall = 1772366400250

var (
	sampleBoot    = replica.Boot(0x1122334455667788)
	sampleStamp   = replica.Stamp{Clock: sampleWall<<16 | 1, Boot: sampleBoot}
	sampleBase    = replica.Stamp{Clock: (sampleWall - 4_000) << 16, Boot: sampleBoot}
	sampleBorn    = replica.Stamp{Clock: (sampleWall - 600_000) << 16, Boot: 0xa1a2a3a4a5a6a7a8}
	sampleKey     = replica.Key{App: "shop", ID: "Zm9vYm.0123456789ABCDEFGHIJKL"}
	sampleRequest = replica.RequestID{Client: 0xc1c2c3c4c5c6c7c8, Seq: 1000}
	sampleClaim   = replica.Claim{
		Slot: 700, Epoch: 12, Primary: sampleBoot, Backups: []replica.Boot{0xb1b2b3b4b5b6b7b8, 0xa1a2a3a4a5a6a7a8},
		Emptied: []uint64{4}, Seen: 5,
		Lineage: []replica.Turn{{Epoch: 9, Primary: 0xa1a2a3a4a5a6a7a8, Clock: sampleBorn.Clock}, {Epoch: 12, Primary: sampleBoot, Clock: sampleBase.Clock}},
	}
	sampleMember = replica.Member{Boot: sampleBoot, Name: "node-a", Addr: "10.0.0.1:7946", Zone: "z1"}
)

// sampleUpdate is one changed attribute of 64 bytes, as most updates are.
func sampleUpdate() *replica.Update {
	return &replica.Update{
		Slot: 700, Epoch: 12, Committed: 345_678,
		Entry: replica.Entry{
			Seq: 345_680, Request: sampleRequest, NotAfter: sampleWall + 10_000,
			Parts: []replica.Part{{Base: sampleBase, Session: &replica.Session{
				Key:   sampleKey,
				Stamp: sampleStamp, Touched: sampleStamp, Accessed: sampleNow - 40*time.Microsecond,
				Attrs: []*replica.Attr{{Name: "cart", Value: bytes.Repeat([]byte{'x'}, 64), Stamp: sampleStamp}},
			}}},
		},
	}
}

// sampleCommit is the request that led to sampleUpdate.
func sampleCommit() *replica.Request {
	return &replica.Request{Token: 4711, Commit: &replica.Commit{
		Key: sampleKey, Request: sampleRequest, NotAfter: sampleWall + 10_000,
		Changes: []replica.Change{{Name: "cart", Value: bytes.Repeat([]byte{'x'}, 64)}},
	}}
}

// sampleSession is a whole session with what a session can have.
func sampleSession() *replica.Session {
	return &replica.Session{
		Key: sampleKey,
		Attrs: []*replica.Attr{
			{Name: "cart", Value: []byte("3 apples"), Stamp: sampleStamp},
			{Name: "language", Value: []byte("de"), Stamp: sampleBorn},
			{Name: "nonce", Stamp: sampleBase, Deleted: true},
			{Name: "picture", Value: bytes.Repeat([]byte{0xff}, valueSharedMax+1), Stamp: sampleBase},
		},
		Born: sampleBorn, Stamp: sampleStamp, Accessed: sampleNow - 3*time.Second,
		Touched:  replica.Stamp{Clock: (sampleWall + 20_000) << 16, Boot: sampleBoot},
		Settings: replica.Settings{Idle: 30 * time.Minute, Deadline: sampleWall + 86_400_000, Stamp: sampleBorn},
	}
}

func sampleTombstone() *replica.Session {
	return &replica.Session{
		Key: replica.Key{App: "shop", ID: "Zm9vYm.LKJIHGFEDCBA9876543210"}, Stamp: sampleStamp, Touched: sampleStamp,
		Accessed: sampleNow, Ending: replica.LoggedOut, Until: sampleWall + 86_400_000,
	}
}

type sample struct {
	name    string // begins with the name of the message
	message replica.Message
}

// samples are the messages whose bytes are pinned in testdata, at least one of each kind.
func samples() []sample {
	return append(append(controlSamples(), slotSamples()...), clientSamples()...)
}

func controlSamples() []sample {
	other := sampleClaim
	other.Slot, other.Epoch, other.Backups, other.Emptied = 701, 3, other.Backups[:1], nil
	return []sample{
		{"Hello", &replica.Hello{Cluster: 0xd1d2d3d4d5d6d7d8, Member: sampleMember, Slots: 1024, Limits: 0xe1e2e3e4e5e6e7e8}},
		{"Heartbeat", &replica.Heartbeat{Sent: sampleNow, Digest: 0xf1f2f3f4f5f6f7f8}},
		{"Heartbeat-off", &replica.Heartbeat{Sent: sampleNow, Digest: 0xf1f2f3f4f5f6f7f8, ClockOff: true}},
		{"HeartbeatReply", &replica.HeartbeatReply{Sent: sampleNow, Digest: 0xf1f2f3f4f5f6f7f8, Granted: true, Wall: sampleWall}},
		{"Claims", &replica.Claims{Claims: []replica.Claim{sampleClaim, other}}},
		{"ClaimsWanted", &replica.ClaimsWanted{}},
		{"Ask", &replica.Ask{Round: 9, Slots: []replica.AskedSlot{{Slot: 700, Known: sampleClaim}, {Slot: 702}}}},
		{"Answer", &replica.Answer{Round: 9, Slots: []replica.AnsweredSlot{
			{Slot: 700, Verdict: replica.Outranked, Claim: sampleClaim},
			{Slot: 702, Holds: true, Position: replica.Position{Epoch: 12, Seq: 345_680}},
		}}},
		{"Leaving", &replica.Leaving{}},
		{"GivenUp", &replica.GivenUp{Older: 3, Conflicts: []replica.Conflict{
			{Slot: 700, Key: sampleKey, Attr: "cart", Lost: sampleBase, Kept: sampleStamp, Found: sampleWall},
			{Slot: 701, Key: sampleKey, Cause: replica.CauseSettings, Lost: sampleBorn, Kept: sampleBase, Found: sampleWall + 1},
		}}},
		{"Released", &replica.Released{Slots: []uint32{0, 700, 1023}}},
		{"Candidacy", &replica.Candidacy{Round: 2}},
		{"Vote", &replica.Vote{Round: 2, Granted: true, Cluster: 0xd1d2d3d4d5d6d7d8}},
		{"Founded", &replica.Founded{Cluster: 0xd1d2d3d4d5d6d7d8}},
	}
}

func slotSamples() []sample {
	parts := []replica.Part{{Session: sampleSession()}, {Session: sampleTombstone()}}
	return []sample{
		{"Update", sampleUpdate()},
		{"Ack", &replica.Ack{Slot: 700, Epoch: 12, Head: 345_680}},
		{"Ack-gap", &replica.Ack{Slot: 700, Epoch: 12, Head: 345_680, Gap: true, Whole: true}},
		{"Fenced", &replica.Fenced{Claim: sampleClaim}},
		{"Pull", &replica.Pull{Round: 9, Slot: 700, After: replica.Position{Epoch: 12, Seq: 345_678}}},
		{"Tail", &replica.Tail{Round: 9, Slot: 700, Complete: true, Entries: []replica.Entry{
			sampleUpdate().Entry, {Seq: 345_681, Parts: parts},
		}}},
		{"Snapshot", &replica.Snapshot{
			Slot: 700, Epoch: 12, Transfer: 77, Chunk: 3, Seq: 345_680, Parts: parts, Last: true, Move: true,
			Requests: []replica.RememberedRequest{
				{Request: sampleRequest, NotAfter: sampleWall + 10_000, Key: sampleKey, Stamp: sampleStamp},
			},
		}},
		{"SnapshotReply", &replica.SnapshotReply{Slot: 700, Transfer: 77, Chunk: 3}},
		{"Offer", &replica.Offer{Slot: 700, Transfer: 78, Lineage: sampleClaim.Lineage}},
		{"Offer-chunk", &replica.Offer{
			Slot: 700, Transfer: 78, Chunk: 1, Parts: parts, Items: []replica.Item{{Key: sampleKey, Version: 0xf1f2f3f4f5f6f7f8}},
			Requests: []replica.RememberedRequest{
				{Request: sampleRequest, NotAfter: sampleWall + 10_000, Key: sampleKey, Stamp: sampleStamp},
			},
		}},
		{"Offer-over", &replica.Offer{Slot: 700, Transfer: 78, Chunk: 1, Requests: []replica.RememberedRequest{
			{
				Request: sampleRequest, NotAfter: sampleWall + 10_000, Key: sampleKey, Stamp: sampleStamp,
				Over: []*replica.Attr{{Name: "cart", Value: []byte("2 apples"), Stamp: sampleBorn}, {Name: "nonce", Stamp: sampleBase, Deleted: true}},
			},
			{Request: sampleRequest, NotAfter: sampleWall + 10_000, Key: sampleKey, Stamp: sampleStamp},
		}}},
		{"Fetch", &replica.Fetch{Slot: 700, Key: sampleKey}},
		{"Fetched", &replica.Fetched{Slot: 700, Key: sampleKey, Parts: parts[:1]}},
		{"Check", &replica.Check{Slot: 700, Epoch: 12, Seq: 345_680, Cut: sampleWall + 60_000, Digest: 0xf1f2f3f4f5f6f7f8}},
		{"HandOff", &replica.HandOff{Slot: 700, Epoch: 12, Head: 4711, Locks: []replica.HeldLock{{
			Key: sampleKey, Token: sampleStamp, Request: sampleRequest, Holder: "app1:8080", Left: 7 * time.Second,
			Queue: []replica.RequestID{{Client: sampleRequest.Client, Seq: 9}},
		}}}},
		{"OfferReply", &replica.OfferReply{Slot: 700, Transfer: 78, Chunk: 1, Wanted: []uint32{0, 5}}},
	}
}

func clientSamples() []sample {
	return []sample{
		{"Request-commit", sampleCommit()},
		{"Request-create", &replica.Request{Token: 4711, Hops: 1, Commit: &replica.Commit{
			Key: sampleKey, Create: true, Configure: true, Idle: 30 * time.Minute, Lifetime: 24 * time.Hour,
			Request: sampleRequest, NotAfter: sampleWall + 10_000, Durability: replica.DurableOne,
			Changes: []replica.Change{{Name: "empty"}, {Name: "gone", Delete: true}},
		}}},
		{"Request-destroy", &replica.Request{Token: 1, Commit: &replica.Commit{
			Key: sampleKey, Destroy: true, Request: sampleRequest, NotAfter: sampleWall + 10_000,
		}}},
		{"Request-renew", &replica.Request{Token: 1, Commit: &replica.Commit{
			Key: sampleKey, Renew: sampleTombstone().Key.ID, If: sampleStamp, Request: sampleRequest,
			NotAfter: sampleWall + 10_000, Durability: replica.DurableNone,
		}}},
		{"Request-locked", &replica.Request{Token: 1, Commit: &replica.Commit{
			Key: sampleKey, Lock: sampleStamp, Request: sampleRequest, NotAfter: sampleWall + 10_000,
			Changes: []replica.Change{{Name: "n", Value: []byte("7")}},
		}}},
		{"Request-lock", &replica.Request{Token: 2, Lock: &replica.Lock{
			Key: sampleKey, Wait: 200 * time.Millisecond, Lease: 10 * time.Second, Holder: "app1:8080",
			Request: sampleRequest, NotAfter: sampleWall + 10_000,
		}}},
		{"Request-release", &replica.Request{Token: 3, Lock: &replica.Lock{Key: sampleKey, Held: sampleStamp, Release: true}}},
		{"Request-list", &replica.Request{Token: 4, List: &replica.List{
			Slot: 700, App: sampleKey.App, Principal: "user-7", After: sampleKey.ID,
		}}},
		{"Request-list-timed", &replica.Request{Token: 4, List: &replica.List{Slot: 700, App: sampleKey.App, NotAfter: sampleWall + 10_000}}},
		{"Request-load", &replica.Request{Token: 4712, Load: &replica.Load{Key: sampleKey, Known: sampleStamp}}},
		{"Request-reload", &replica.Request{Token: 4712, Load: &replica.Load{
			Key: sampleKey, Known: sampleStamp, KnownDigest: 0xf1f2f3f4f5f6f7f8,
		}}},
		{"Request-load-timed", &replica.Request{Token: 4712, Load: &replica.Load{Key: sampleKey, NotAfter: 1_772_366_410_250}}},
		{"Request-update", &replica.Request{Token: 4712, Load: &replica.Load{
			Key: sampleKey, Known: sampleStamp, KnownDigest: 0xf1f2f3f4f5f6f7f8, Since: sampleStamp,
		}}},
		{"Request-update-guess", &replica.Request{Token: 4712, Load: &replica.Load{
			Key: sampleKey, Known: sampleStamp, KnownDigest: 0xf1f2f3f4f5f6f7f8, Since: replica.Stamp{Clock: 1, Boot: 2},
		}}},
		{"Request-peek", &replica.Request{Token: 4712, Load: &replica.Load{Key: sampleKey, Peek: true}}},
		{"Reply", &replica.Reply{Token: 4711, Result: replica.Result{Stamp: sampleStamp, Copies: 3}}},
		{"Reply-session", &replica.Reply{Token: 4712, Result: replica.Result{Stamp: sampleStamp, Session: sampleSession()}}},
		{"Reply-changes", &replica.Reply{Token: 4712, Result: replica.Result{
			Stamp: sampleStamp, Session: sampleSession(), Whole: 0xf1f2f3f4f5f6f7f8,
		}}},
		{"Reply-refused", &replica.Reply{Token: 4712, Claim: sampleClaim, Result: replica.Result{
			Status: replica.StatusNotPrimary, Detail: "ask " + sampleMember.Name,
		}}},
		{"Reply-overloaded", &replica.Reply{Token: 4713, Result: replica.Result{
			Status: replica.StatusOverloaded, RetryAfter: 150 * time.Millisecond,
		}}},
		{"Reply-unsure", &replica.Reply{Token: 4712, Result: replica.Result{Status: replica.StatusUnavailable, Unsure: true}}},
		{"Reply-ids", &replica.Reply{Token: 4, Result: replica.Result{IDs: []string{sampleKey.ID}}}},
		{"LayoutWanted", &replica.LayoutWanted{}},
		{"Layout", &replica.Layout{
			Cluster: 0xd1d2d3d4d5d6d7d8, Slots: 1024, Members: []replica.Member{sampleMember},
			Claims: []replica.Claim{sampleClaim},
		}},
		{"AdminRequest", &replica.AdminRequest{Token: 5}},
		{"AdminRequest-forget", &replica.AdminRequest{Token: 6, Command: "forget", Argument: "node-c"}},
		{"AdminReply", &replica.AdminReply{Token: 5, JSON: []byte(`{"node":"a"}`)}},
		{"AdminReply-refused", &replica.AdminReply{Token: 6, Status: replica.StatusForbidden, Detail: "cluster key"}},
	}
}

// messageName is the part of a sample's name that names the message.
func (s sample) messageName() string {
	name, _, _ := strings.Cut(s.name, "-")
	return name
}
