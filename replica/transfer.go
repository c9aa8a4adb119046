package replica

import (
	"slices"
	"time"
)

// transfer fills a learner: the sessions that the slot held when it began, chunk by chunk, while live updates run
// beside it from the same moment on. Order between the two does not matter, because both are merged.
type transfer struct {
	id                    uint64
	move                  bool  // the slot is not short of a copy
	started               bool  // the first chunk was answered; updates are sent
	keys                  []Key // not sent yet
	requests              []RememberedRequest
	next                  uint32        // chunk to send next
	waiting               *Snapshot     // the chunk before next, unanswered
	sizeBytes             int           // of waiting
	sent                  time.Duration // Instant.Mono when it was sent
	sentLast              bool
	complete              bool          // the last chunk was answered
	progress              time.Duration // Instant.Mono of the last answer, or when the chunk that waits for one was first sent
	brought, broughtBytes int           // sessions sent so far
}

// Teach starts to fill learner, because a copy is missing, under a transfer id above all that the node has used before.
// The first chunk is due at once.
func (s *Slot) Teach(now Instant, learner Boot, id uint64) { s.teach(now, learner, id, false) }

// TeachMove is Teach for a copy that is not missing: home is elsewhere. The learner takes only so many of these.
func (s *Slot) TeachMove(now Instant, learner Boot, id uint64) { s.teach(now, learner, id, true) }

func (s *Slot) teach(now Instant, learner Boot, id uint64, move bool) {
	if s.role != Primary || s.follower(learner) != nil {
		return
	}
	s.followers = append(s.followers, &follower{
		boot: learner, acked: s.tail.head, sent: s.tail.head, progress: now.Mono,
		transfer: &transfer{id: id, move: move, keys: s.keys(), requests: s.requests.all(), progress: now.Mono},
	})
}

// Unteach gives a transfer up.
func (s *Slot) Unteach(learner Boot, fx *Effects) {
	s.followers = slices.DeleteFunc(s.followers, func(f *follower) bool { return f.boot == learner && f.learning() })
	s.advance(fx)
}

// readyLag is the part of TailMax that a learner may be behind when it becomes a backup: under load something is always
// on the way to it.
const readyLag = 16

// Learners lists the boots that are being filled, and how far each is.
func (s *Slot) Learners() []LearnerState {
	var all []LearnerState
	for _, f := range s.followers {
		if f.learning() {
			all = append(all, s.learnerState(f))
		}
	}
	return all
}

// Learner is how far a boot is that is being filled; ok is false if it is not.
func (s *Slot) Learner(b Boot) (state LearnerState, ok bool) {
	if f := s.follower(b); f != nil && f.learning() {
		return s.learnerState(f), true
	}
	return LearnerState{}, false
}

func (s *Slot) learnerState(f *follower) LearnerState {
	t := f.transfer
	return LearnerState{
		Boot:     f.boot,
		Ready:    t.complete && s.tail.head-f.acked <= uint64(s.cfg.Limits.TailMax/readyLag),
		Due:      t.waiting == nil && !t.sentLast,
		Progress: t.seen(f.progress),
	}
}

// RemainingBytes estimates what a learner's snapshot still has to bring, from the sessions sent so far or, before the
// first, from a few of those to be sent.
func (s *Slot) RemainingBytes(learner Boot) int {
	f := s.follower(learner)
	if f == nil || !f.learning() {
		return 0
	}
	t := f.transfer
	n, size := t.brought, t.broughtBytes
	var space Session
	for _, k := range t.keys[:min(len(t.keys), sampled)] {
		if r := s.records.find(k); n < sampled && r != nil {
			size += partSize(&Part{Session: r.viewIn(&space)})
			n++
		}
	}
	return len(t.keys) * size / max(n, 1)
}

// sampled bounds the sessions that an estimate looks at.
const sampled = 16

// dropLearners gives every transfer up: a learner that cannot keep pace must not make commits wait.
func (s *Slot) dropLearners() { s.followers = slices.DeleteFunc(s.followers, (*follower).learning) }

// seen is when the learner last made progress: with the snapshot, then with the updates.
func (t *transfer) seen(acked time.Duration) time.Duration {
	if t.complete {
		return max(t.progress, acked)
	}
	return t.progress
}

// LearnerState is how far a learner is.
type LearnerState struct {
	Boot     Boot
	Ready    bool          // holds everything but what is on the way to it: may become a backup
	Due      bool          // everything sent was answered and a chunk is left to send: the learner waits for the primary
	Progress time.Duration // Instant.Mono of the last sign of progress, or when the chunk that is unanswered was first sent
}

// chunkAgain is how long a chunk goes unanswered before it is sent again.
const chunkAgain = 500 * time.Millisecond

// ChunkDue reports whether SendChunk would send something.
func (s *Slot) ChunkDue(now Instant, learner Boot) bool {
	f := s.follower(learner)
	if f == nil || !f.learning() {
		return false
	}
	t := f.transfer
	return t.waiting != nil && now.Mono-t.sent > chunkAgain || t.waiting == nil && !t.sentLast
}

// SendChunk sends the next chunk of a transfer if the one before was answered, or that one again if it seems lost, and
// reports what was sent, in bytes.
func (s *Slot) SendChunk(now Instant, learner Boot, fx *Effects) (sizeBytes int) {
	if !s.ChunkDue(now, learner) {
		return 0
	}
	t := s.follower(learner).transfer
	if t.waiting == nil {
		m := s.chunk(learner)
		t.sizeBytes = chunkOverhead + s.fill(m, t)
		t.sentLast = len(t.keys) == 0 && len(t.requests) == 0
		m.Last = t.sentLast
		t.waiting, t.progress = m, now.Mono
		t.next++
	}
	t.sent = now.Mono
	fx.send(learner, t.waiting)
	return t.sizeBytes
}

// Assure tells a learner that more will come though it may not be sent yet, by a chunk that brings nothing, and reports
// what was sent, in bytes.
func (s *Slot) Assure(now Instant, learner Boot, fx *Effects) (sizeBytes int) {
	state, ok := s.Learner(learner)
	if !ok || !state.Due {
		return 0
	}
	t := s.follower(learner).transfer
	t.waiting, t.sizeBytes, t.sent, t.progress = s.chunk(learner), chunkOverhead, now.Mono, now.Mono
	t.next++
	fx.send(learner, t.waiting)
	return t.sizeBytes
}

// chunk is the next chunk of a transfer, with nothing in it.
func (s *Slot) chunk(learner Boot) *Snapshot {
	f := s.follower(learner)
	t := f.transfer
	m := &Snapshot{Slot: s.num, Epoch: s.claim.Epoch, Transfer: t.id, Chunk: t.next, Move: t.move}
	if t.next == 0 {
		m.Seq = f.acked
	}
	return m
}

// What counts for so much in a chunk: the chunk by itself, and a remembered request.
const (
	chunkOverhead   = 32
	rememberedBytes = 96
)

// firstChunkBytes bounds the first chunk of a transfer: the learner may refuse it.
const firstChunkBytes = 4 << 10

// fill moves sessions, then request ids, from the transfer into a chunk. A chunk stays within its limit unless a single
// session is larger; the first one brings none rather than one that is.
func (s *Slot) fill(m *Snapshot, t *transfer) (sizeBytes int) {
	limit := s.cfg.Limits.ChunkBytes
	if t.next == 0 {
		limit = min(limit, firstChunkBytes)
	}
	for ; len(t.keys) > 0; t.keys = t.keys[1:] {
		r := s.records.find(t.keys[0])
		if r == nil {
			continue // forgotten since the transfer began
		}
		p := Part{Session: r.whole()}
		n := partSize(&p)
		if sizeBytes > 0 && sizeBytes+n > limit || t.next == 0 && n > firstChunkBytes {
			return sizeBytes
		}
		sizeBytes += n
		t.brought++
		t.broughtBytes += n
		m.Parts = append(m.Parts, p)
	}
	n := max(0, limit-sizeBytes) / rememberedBytes
	if sizeBytes == 0 {
		n = max(n, 1) // a chunk moves something, however small it is
	}
	n = min(n, len(t.requests))
	m.Requests, t.requests = t.requests[:n:n], t.requests[n:]
	return sizeBytes + n*rememberedBytes
}

// SnapshotReply takes a learner's answer to a chunk.
func (s *Slot) SnapshotReply(now Instant, from Boot, m *SnapshotReply, fx *Effects) {
	f := s.follower(from)
	if f == nil || !f.learning() || f.transfer.id != m.Transfer {
		return
	}
	if m.Refused {
		s.Unteach(from, fx)
		return
	}
	t := f.transfer
	if m.Chunk+1 != t.next || t.waiting == nil {
		return
	}
	t.waiting, t.progress, t.complete = nil, now.Mono, t.sentLast
	if !t.started {
		t.started = true
		s.resend(now, f, fx)
	}
}

// intake is a learner's side of a transfer.
type intake struct {
	transfer uint64
	next     uint32 // chunk expected
	started  bool
	complete bool
	logged   map[*record]bool // they came whole by the log, so that a chunk has nothing to add
}

func (i *intake) log(r *record) {
	if i.complete {
		return
	}
	if i.logged == nil {
		i.logged = map[*record]bool{}
	}
	i.logged[r] = true
}

// Snapshot takes one chunk from the primary. Only a node that holds nothing else of the slot takes any; claim is the
// highest claim known, under which the chunk came. A chunk of an earlier transfer of the same primary is refused.
func (s *Slot) Snapshot(now Instant, from Boot, claim Claim, m *Snapshot, fx *Effects) {
	reply := &SnapshotReply{Slot: s.num, Transfer: m.Transfer, Chunk: m.Chunk}
	if m.Chunk == 0 && (s.role == Absent || s.role == Learner) && m.Transfer > s.intake.transfer {
		s.Drop()
		s.role, s.claim, s.lineage, s.position = Learner, claim, claim.Lineage, claim.Epoch
		s.tail.reset(m.Seq)
		s.intake = intake{transfer: m.Transfer, started: true}
	}
	if s.role != Learner || m.Transfer != s.intake.transfer || m.Chunk > s.intake.next {
		reply.Refused = true
		fx.send(from, reply)
		return
	}
	if m.Chunk == s.intake.next {
		s.take(now, m)
	}
	fx.send(from, reply)
}

func (s *Slot) take(now Instant, m *Snapshot) {
	for i := range m.Parts {
		p := &m.Parts[i]
		if !p.sound() {
			continue
		}
		if r := s.records.find(p.Session.Key); r == nil || !s.intake.logged[r] {
			s.merge(now, p)
		}
	}
	for _, r := range m.Requests {
		s.requests.take(now, r, s.namer(r.Key), &s.cfg.Limits)
	}
	s.intake.next++
	if s.intake.complete = m.Last; m.Last {
		s.intake.logged = nil
	}
}

// Learnt reports whether the node is a learner that holds the whole snapshot.
func (s *Slot) Learnt() bool { return s.role == Learner && s.intake.complete }

// Reclaim tells a learner or backup that its primary goes on under another claim that changes nothing for it.
func (s *Slot) Reclaim(claim Claim) {
	s.parting = s.parting || !claim.keeps(s.claim)
	s.claim = claim
	s.position = max(s.position, claim.Epoch)
}
