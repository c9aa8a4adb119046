package replica

import (
	"slices"
	"time"
)

// transfer fills a learner: the sessions that the slot held when it began, chunk by chunk, while live updates run
// beside it from the same moment on. Order between the two does not matter, because both are merged.
type transfer struct {
	id       uint64
	started  bool  // the first chunk was answered; updates are sent
	keys     []Key // not sent yet
	requests []RememberedRequest
	next     uint32        // chunk to send next
	waiting  *Snapshot     // the chunk before next, unanswered
	sent     time.Duration // Instant.Mono when it was sent
	sentLast bool
	complete bool          // the last chunk was answered
	progress time.Duration // Instant.Mono of the last answer
}

// Teach starts to fill learner, under a transfer id above all that the node has used before. The first chunk is due at
// once.
func (s *Slot) Teach(now Instant, learner Boot, id uint64) {
	if s.role != Primary || s.follower(learner) != nil {
		return
	}
	s.followers = append(s.followers, &follower{
		boot: learner, acked: s.tail.head, sent: s.tail.head, progress: now.Mono,
		transfer: &transfer{id: id, keys: s.keys(), requests: s.requests.all(), progress: now.Mono},
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

// Learners lists the boots that are being filled, and for each whether it holds everything but what is on the way to it,
// and when it last made progress.
func (s *Slot) Learners() []LearnerState {
	var all []LearnerState
	for _, f := range s.followers {
		if f.learning() {
			all = append(all, LearnerState{
				Boot:      f.boot,
				Ready:     f.transfer.complete && s.tail.head-f.acked <= uint64(s.cfg.Limits.TailMax/readyLag),
				Progress:  f.transfer.seen(f.progress),
				Remaining: len(f.transfer.keys),
			})
		}
	}
	return all
}

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
	Boot      Boot
	Ready     bool          // may become a backup
	Progress  time.Duration // Instant.Mono of the last sign of progress
	Remaining int           // sessions of the snapshot still to send
}

// chunkAgain is how long a chunk goes unanswered before it is sent again.
const chunkAgain = 500 * time.Millisecond

// SendChunk sends the next chunk of a transfer if the one before was answered, or that one again if it seems lost, and
// reports the size in bytes of what is new.
func (s *Slot) SendChunk(now Instant, learner Boot, fx *Effects) (sizeBytes int) {
	f := s.follower(learner)
	if f == nil || !f.learning() {
		return 0
	}
	t := f.transfer
	if t.waiting != nil && now.Mono-t.sent > chunkAgain {
		t.sent = now.Mono
		fx.send(learner, t.waiting)
	}
	if t.waiting != nil || t.sentLast {
		return 0
	}
	m := &Snapshot{Slot: s.num, Epoch: s.claim.Epoch, Transfer: t.id, Chunk: t.next}
	if t.next == 0 {
		m.Seq = f.acked
	}
	sizeBytes = s.fill(m, t)
	m.Last = len(t.keys) == 0 && len(t.requests) == 0
	t.next++
	t.waiting, t.sent, t.sentLast = m, now.Mono, m.Last
	fx.send(learner, m)
	return sizeBytes
}

// rememberedBytes is what a remembered request counts for in a chunk.
const rememberedBytes = 96

// fill moves sessions, then request ids, from the transfer into a chunk.
func (s *Slot) fill(m *Snapshot, t *transfer) (sizeBytes int) {
	for len(t.keys) > 0 && sizeBytes < s.cfg.Limits.ChunkBytes {
		if r := s.records[t.keys[0]]; r != nil {
			p := Part{Session: r.whole()}
			sizeBytes += partSize(&p)
			m.Parts = append(m.Parts, p)
		}
		t.keys = t.keys[1:]
	}
	n := max(0, s.cfg.Limits.ChunkBytes-sizeBytes) / rememberedBytes
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
}

// Snapshot takes one chunk from the primary. Only a node that holds nothing else of the slot takes any; claim is the
// highest claim known, under which the chunk came. A chunk of an earlier transfer of the same primary is refused.
func (s *Slot) Snapshot(now Instant, from Boot, claim Claim, m *Snapshot, fx *Effects) {
	reply := &SnapshotReply{Slot: s.num, Transfer: m.Transfer, Chunk: m.Chunk}
	if m.Chunk == 0 && (s.role == Absent || s.role == Learner) && m.Transfer > s.intake.transfer {
		s.Drop()
		s.role, s.claim, s.position = Learner, claim, claim.Epoch
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
		if r := s.records[p.Session.Key]; r == nil || !r.logged {
			s.merge(now, p)
		}
	}
	for _, r := range m.Requests {
		s.requests.remember(remembered{RememberedRequest: r}, s.cfg.Limits.RequestsMax)
	}
	s.intake.next++
	s.intake.complete = m.Last
}

// Taking reports whether the node is being filled already, or was by this very transfer: its first chunk, come again,
// begins nothing.
func (s *Slot) Taking(transfer uint64) bool {
	return s.role == Learner && (!s.intake.complete || s.intake.transfer == transfer)
}

// Learnt reports whether the node is a learner that holds the whole snapshot.
func (s *Slot) Learnt() bool { return s.role == Learner && s.intake.complete }

// Reclaim tells a learner or backup that its primary goes on under another claim that changes nothing for it.
func (s *Slot) Reclaim(claim Claim) {
	s.claim = claim
	s.position = max(s.position, claim.Epoch)
}
