package wire

import (
	"math"
	"time"

	"github.com/sessnode/sessnode/replica"
)

const (
	requestLoad   = 1 << 0
	requestCommit = 1 << 1
	requestLock   = 1 << 2
	requestList   = 1 << 3

	requestKinds = requestLoad | requestCommit | requestLock | requestList
)

func appendRequest(b []byte, m *replica.Request) []byte {
	b = appendUvarint(b, m.Token)
	switch {
	case m.Load != nil:
		return appendLoad(append(b, m.Hops, requestLoad), m.Load)
	case m.Commit != nil:
		return appendCommit(append(b, m.Hops, requestCommit), m.Commit)
	case m.Lock != nil:
		return appendLock(append(b, m.Hops, requestLock), m.Lock)
	case m.List != nil:
		return appendList(append(b, m.Hops, requestList), m.List)
	}
	return append(b, m.Hops, 0) // refused by the receiver
}

// A request and what it asks for live equally long and share an allocation.
type (
	loadRequest struct {
		replica.Request
		load replica.Load
	}
	commitRequest struct {
		replica.Request
		commit replica.Commit
	}
	lockRequest struct {
		replica.Request
		lock replica.Lock
	}
)

func readRequest(r *reader) *replica.Request {
	token, hops := r.uvarint("token"), r.byte("hops")
	switch flags := r.byte("flags"); flags & requestKinds {
	case requestLoad:
		m := &loadRequest{}
		readLoad(r, &m.load)
		m.Token, m.Hops, m.Load = token, hops, &m.load
		return &m.Request
	case requestCommit:
		m := &commitRequest{}
		readCommit(r, &m.commit)
		m.Token, m.Hops, m.Commit = token, hops, &m.commit
		return &m.Request
	case requestLock:
		m := &lockRequest{}
		readLock(r, &m.lock)
		m.Token, m.Hops, m.Lock = token, hops, &m.lock
		return &m.Request
	case requestList:
		return &replica.Request{Token: token, Hops: hops, List: readList(r)}
	}
	r.fail("flags", "not one of load, commit, lock and list")
	return nil
}

const (
	loadPeek  = 1 << 0
	loadKnown = 1 << 1
	// loadDigest in place of loadKnown: who does not know digests must not go by the stamp, and answers with the session.
	loadDigest     = 1 << 2
	loadNotAfter   = 1 << 3
	loadSince      = 1 << 4 // the stamp follows, unless it is that of the known version
	loadSinceKnown = 1 << 5
)

func appendLoad(b []byte, l *replica.Load) []byte {
	b, mark := beginRecord(b)
	digest := l.KnownDigest != 0
	known := !digest && !l.Known.IsZero()
	since, same := !l.Since.IsZero(), (known || digest) && l.Since == l.Known
	b = append(b, bitIf(l.Peek, loadPeek)|bitIf(known, loadKnown)|bitIf(digest, loadDigest)|bitIf(l.NotAfter != 0, loadNotAfter)|
		bitIf(since && !same, loadSince)|bitIf(since && same, loadSinceKnown))
	b = appendKey(b, l.Key)
	if known || digest {
		b = appendStamp(b, l.Known)
	}
	if digest {
		b = appendFixed64(b, l.KnownDigest)
	}
	if l.NotAfter != 0 {
		b = appendInt64(b, l.NotAfter)
	}
	if since && !same {
		b = appendStamp(b, l.Since)
	}
	return endRecord(b, mark)
}

func readLoad(r *reader, l *replica.Load) {
	after := r.enter("load")
	flags := r.byte("load flags")
	l.Peek = flags&loadPeek != 0
	l.Key = ownKey(r.viewKey())
	if flags&(loadKnown|loadDigest) != 0 {
		l.Known = r.stamp("known")
	}
	if flags&loadDigest != 0 {
		l.KnownDigest = r.fixed64("known digest")
	}
	if flags&loadNotAfter != 0 {
		l.NotAfter = r.int64("not after")
	}
	switch {
	case flags&loadSince != 0:
		l.Since = r.stamp("since")
	case flags&loadSinceKnown != 0:
		l.Since = l.Known
	}
	r.leave(after)
}

// The first byte of a commit. The two lowest bits are its durability.
const (
	commitDurability = 3
	commitCreate     = 1 << 2
	commitDestroy    = 1 << 3
	commitConfigure  = 1 << 4
	commitTimes      = 1 << 5 // Idle and Lifetime follow
	commitIf         = 1 << 6
	commitRenew      = 1 << 7

	// What follows the changes, if anything does.
	commitLock = 1 << 0

	changeSizeMin = 1 + 1
)

func commitFlags(c *replica.Commit) byte {
	return byte(min(c.Durability, commitDurability)) | // 3 is refused by the receiver
		bitIf(c.Create, commitCreate) |
		bitIf(c.Destroy, commitDestroy) |
		bitIf(c.Configure, commitConfigure) |
		bitIf(c.Idle != 0 || c.Lifetime != 0, commitTimes) |
		bitIf(!c.If.IsZero(), commitIf) |
		bitIf(c.Renew != "", commitRenew)
}

func appendCommit(b []byte, c *replica.Commit) []byte {
	b, mark := beginRecord(b)
	flags := commitFlags(c)
	b = append(b, flags)
	b = appendKey(b, c.Key)
	b = appendRequestID(b, c.Request)
	b = appendInt64(b, c.NotAfter)
	if flags&commitTimes != 0 {
		b = appendDuration(appendDuration(b, c.Idle), c.Lifetime)
	}
	if flags&commitIf != 0 {
		b = appendStamp(b, c.If)
	}
	if flags&commitRenew != 0 {
		b = appendText(b, c.Renew)
	}
	b = appendCount(b, len(c.Changes))
	for i := range c.Changes {
		b = appendText(b, c.Changes[i].Name)
		b = appendOptional(b, c.Changes[i].Value, !c.Changes[i].Delete)
	}
	if !c.Lock.IsZero() {
		b = appendStamp(append(b, commitLock), c.Lock)
	}
	return endRecord(b, mark)
}

func readCommit(r *reader, c *replica.Commit) {
	after := r.enter("commit")
	flags := r.byte("commit flags")
	c.Create, c.Destroy, c.Configure = flags&commitCreate != 0, flags&commitDestroy != 0, flags&commitConfigure != 0
	if c.Durability = replica.Durability(flags & commitDurability); c.Durability > replica.DurableNone {
		r.fail("durability", "unknown value")
	}
	c.Key = r.viewKey()
	c.Request = r.requestID("request id")
	c.NotAfter = r.int64("not after")
	if flags&commitTimes != 0 {
		c.Idle, c.Lifetime = r.duration("idle"), r.duration("lifetime")
	}
	if flags&commitIf != 0 {
		c.If = r.stamp("if")
	}
	if flags&commitRenew != 0 {
		c.Renew = r.viewText("renew")
	}
	c.Changes = readChanges(r)
	if r.more() && r.byte("commit flags")&commitLock != 0 {
		c.Lock = r.stamp("lock")
	}
	ownCommit(c)
	r.leave(after)
}

// readChanges reads what aliases the payload.
func readChanges(r *reader) []replica.Change {
	n := r.count("changes", attrsMax, changeSizeMin)
	if n == 0 {
		return nil
	}
	changes := make([]replica.Change, n)
	for i := range changes {
		name := r.viewText("change name")
		value, present := r.viewOptional("change value")
		if r.failed() {
			return nil
		}
		changes[i] = replica.Change{Name: name, Value: value, Delete: !present}
	}
	return changes
}

const (
	replyDetail  = 1 << 0
	replyStamp   = 1 << 1
	replySession = 1 << 2
	replyClaim   = 1 << 3
	replyIDs     = 1 << 4
	// replyNothing with a status to try again at: nothing came of this sending. Who does not know the bit is unsure.
	replyNothing = 1 << 5
	replyWhole   = 1 << 6
	replyAfter   = 1 << 7
)

func replyFlags(m *replica.Reply) byte {
	return bitIf(m.Result.Detail != "", replyDetail) |
		bitIf(!m.Result.Stamp.IsZero(), replyStamp) |
		bitIf(m.Result.Session != nil, replySession) |
		bitIf(!isZeroClaim(&m.Claim), replyClaim) |
		bitIf(len(m.Result.IDs) > 0, replyIDs) |
		bitIf(m.Result.Status.Retryable() && !m.Result.Unsure, replyNothing) |
		bitIf(m.Result.Whole != 0, replyWhole) |
		bitIf(m.Result.RetryAfter != 0, replyAfter)
}

func appendReply(b []byte, m *replica.Reply, now time.Duration) []byte {
	flags := replyFlags(m)
	b = appendUvarint(b, m.Token)
	b = append(b, byte(m.Result.Status), flags)
	b = appendCount(b, max(m.Result.Copies, 0))
	if flags&replyDetail != 0 {
		b = appendText(b, m.Result.Detail)
	}
	if flags&replyStamp != 0 {
		b = appendStamp(b, m.Result.Stamp)
	}
	if flags&replySession != 0 {
		b = appendPart(b, &replica.Part{Session: m.Result.Session}, now)
	}
	if flags&replyClaim != 0 {
		var space [1 + backupsMax + replica.LineageMax]replica.Boot
		boots := addBoots(space[:0], &m.Claim)
		b = appendClaim(appendBoots(b, boots), &m.Claim, boots)
	}
	if flags&replyIDs != 0 {
		b = appendTexts(b, m.Result.IDs)
	}
	if flags&replyWhole != 0 {
		b = appendFixed64(b, m.Result.Whole)
	}
	if flags&replyAfter != 0 {
		b = appendDuration(b, m.Result.RetryAfter)
	}
	return b
}

// readReply reads all of m.
func readReply(r *reader, m *replica.Reply) {
	*m = replica.Reply{Token: r.uvarint("token")}
	m.Result.Status = replica.Status(r.byte("status"))
	flags := r.byte("flags")
	m.Result.Unsure = m.Result.Status.Retryable() && flags&replyNothing == 0
	m.Result.Copies = readCopies(r)
	if flags&replyDetail != 0 {
		m.Result.Detail = r.text("detail")
	}
	if flags&replyStamp != 0 {
		m.Result.Stamp = r.stamp("stamp")
	}
	if flags&replySession != 0 {
		m.Result.Session = readPart(r).Session
	}
	if flags&replyClaim != 0 {
		boots := readBoots(r)
		m.Claim = readClaim(r, boots)
	}
	if flags&replyIDs != 0 {
		m.Result.IDs = readTexts(r, "ids", replica.ListMax)
	}
	if flags&replyWhole != 0 {
		m.Result.Whole = r.fixed64("whole")
	}
	if flags&replyAfter != 0 {
		m.Result.RetryAfter = r.duration("retry after")
	}
}

func readCopies(r *reader) int {
	n := r.uvarint("copies")
	if n > math.MaxInt32 {
		r.fail("copies", "beyond 31 bits")
		return 0
	}
	return int(n)
}

func appendLayout(b []byte, m *replica.Layout) []byte {
	b = appendFixed64(b, m.Cluster)
	b = appendUint32(b, m.Slots)
	b = appendCount(b, len(m.Members))
	for i := range m.Members {
		b = appendMember(b, &m.Members[i])
	}
	return appendClaims(b, m.Claims)
}

func readLayout(r *reader) *replica.Layout {
	return &replica.Layout{
		Cluster: r.fixed64("cluster"),
		Slots:   r.uint32("slots"),
		Members: readMembers(r),
		Claims:  readClaims(r),
	}
}
