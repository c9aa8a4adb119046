package wire

import (
	"time"

	"github.com/sessnode/sessnode/replica"
)

func appendUpdate(b []byte, m *replica.Update, now time.Duration) []byte {
	b = appendUint32(b, m.Slot)
	b = appendUvarint(b, m.Epoch)
	b = appendUvarint(b, m.Committed)
	return appendEntry(b, &m.Entry, now)
}

// updateOfOne is an update with room for the one part that most have. The session is not in here: the slot may keep it
// for as long as it lives.
type updateOfOne struct {
	replica.Update
	part [1]replica.Part
}

func readUpdate(r *reader) *replica.Update {
	m := &updateOfOne{}
	m.Slot = r.uint32("slot")
	m.Epoch = r.uvarint("epoch")
	m.Committed = r.uvarint("committed")
	readEntry(r, &m.Entry, m.part[:0])
	return &m.Update
}

const (
	ackGap   = 1 << 0
	ackWhole = 1 << 1
)

func appendAck(b []byte, m *replica.Ack) []byte {
	b = appendUint32(b, m.Slot)
	b = appendUvarint(b, m.Epoch)
	b = appendUvarint(b, m.Head)
	return append(b, bitIf(m.Gap, ackGap)|bitIf(m.Whole, ackWhole))
}

func readAck(r *reader) *replica.Ack {
	m := &replica.Ack{Slot: r.uint32("slot"), Epoch: r.uvarint("epoch"), Head: r.uvarint("head")}
	flags := r.byte("flags")
	m.Gap, m.Whole = flags&ackGap != 0, flags&ackWhole != 0
	return m
}

func appendHandOff(b []byte, m *replica.HandOff) []byte {
	return appendLocks(appendUvarint(appendUvarint(appendUint32(b, m.Slot), m.Epoch), m.Head), m.Locks)
}

func readHandOff(r *reader) *replica.HandOff {
	m := &replica.HandOff{Slot: r.uint32("slot"), Epoch: r.uvarint("epoch"), Head: r.uvarint("head")}
	if r.more() {
		m.Locks = readLocks(r)
	}
	return m
}

func appendFenced(b []byte, m *replica.Fenced) []byte {
	var space [1 + backupsMax + replica.LineageMax]replica.Boot
	boots := addBoots(space[:0], &m.Claim)
	return appendClaim(appendBoots(b, boots), &m.Claim, boots)
}

func readFenced(r *reader) *replica.Fenced {
	boots := readBoots(r)
	return &replica.Fenced{Claim: readClaim(r, boots)}
}

func appendPosition(b []byte, p replica.Position) []byte {
	return appendUvarint(appendUvarint(b, p.Epoch), p.Seq)
}

func readPosition(r *reader) replica.Position {
	return replica.Position{Epoch: r.uvarint("position epoch"), Seq: r.uvarint("position seq")}
}

func appendPull(b []byte, m *replica.Pull) []byte {
	b = appendUvarint(b, m.Round)
	b = appendUint32(b, m.Slot)
	return appendPosition(b, m.After)
}

func readPull(r *reader) *replica.Pull {
	return &replica.Pull{Round: r.uvarint("round"), Slot: r.uint32("slot"), After: readPosition(r)}
}

const tailComplete = 1 << 0

func appendTail(b []byte, m *replica.Tail, now time.Duration) []byte {
	b = appendUvarint(b, m.Round)
	b = appendUint32(b, m.Slot)
	b = append(b, bitIf(m.Complete, tailComplete))
	return appendEntries(b, m.Entries, now)
}

func readTail(r *reader) *replica.Tail {
	return &replica.Tail{
		Round:    r.uvarint("round"),
		Slot:     r.uint32("slot"),
		Complete: r.byte("flags")&tailComplete != 0,
		Entries:  readEntries(r),
	}
}

const (
	chunkLast = 1 << 0
	chunkMove = 1 << 1 // of a Snapshot
)

func appendSnapshot(b []byte, m *replica.Snapshot, now time.Duration) []byte {
	b = appendUint32(b, m.Slot)
	b = appendUvarint(b, m.Epoch)
	b = appendUvarint(b, m.Transfer)
	b = appendUint32(b, m.Chunk)
	b = appendUvarint(b, m.Seq)
	b = append(b, bitIf(m.Last, chunkLast)|bitIf(m.Move, chunkMove))
	b = appendParts(b, m.Parts, now)
	return appendRemembered(b, m.Requests)
}

func readSnapshot(r *reader) *replica.Snapshot {
	m := &replica.Snapshot{
		Slot:     r.uint32("slot"),
		Epoch:    r.uvarint("epoch"),
		Transfer: r.uvarint("transfer"),
		Chunk:    r.uint32("chunk"),
		Seq:      r.uvarint("seq"),
	}
	flags := r.byte("flags")
	m.Last, m.Move = flags&chunkLast != 0, flags&chunkMove != 0
	m.Parts, m.Requests = readParts(r, nil), readRemembered(r)
	return m
}

// chunkReply is what SnapshotReply is, and an OfferReply begins with.
type chunkReply replica.SnapshotReply

const chunkRefused = 1 << 0

func appendChunkReply(b []byte, m chunkReply) []byte {
	b = appendUint32(b, m.Slot)
	b = appendUvarint(b, m.Transfer)
	b = appendUint32(b, m.Chunk)
	return append(b, bitIf(m.Refused, chunkRefused))
}

func readChunkReply(r *reader) chunkReply {
	return chunkReply{
		Slot:     r.uint32("slot"),
		Transfer: r.uvarint("transfer"),
		Chunk:    r.uint32("chunk"),
		Refused:  r.byte("flags")&chunkRefused != 0,
	}
}
