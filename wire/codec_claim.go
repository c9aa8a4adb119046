package wire

import (
	"encoding/binary"
	"slices"

	"github.com/sessnode/sessnode/replica"
)

// Claims repeat the same few boots, so a message with claims starts with a table of the boots in them, and a claim has
// indexes into it.

const (
	turnSizeMin     = 1 + 1 + 8
	claimSizeMin    = 1 // the zero claim, of a slot that nobody claimed, is an empty record
	listedSizeMin   = 8 // lists of claims hold no zero claim
	askedSizeMin    = 1 + 1 + claimSizeMin
	answeredSizeMin = 1 + 1 + 1 + 1 + 2 + claimSizeMin

	// bootsOnStack is how many boots a message may name before a table on the stack overflows to the heap.
	bootsOnStack = 128
)

// addBoots puts the boots of c into the sorted table.
func addBoots(table []replica.Boot, c *replica.Claim) []replica.Boot {
	if isZeroClaim(c) {
		return table
	}
	table = addBoot(table, c.Primary)
	for _, boot := range c.Backups {
		table = addBoot(table, boot)
	}
	for i := range c.Lineage {
		table = addBoot(table, c.Lineage[i].Primary)
	}
	return table
}

func addBoot(table []replica.Boot, boot replica.Boot) []replica.Boot {
	i, found := slices.BinarySearch(table, boot)
	if found {
		return table
	}
	return slices.Insert(table, i, boot)
}

func appendBoots(b []byte, table []replica.Boot) []byte {
	b = appendCount(b, len(table))
	for _, boot := range table {
		b = appendBoot(b, boot)
	}
	return b
}

// bootTable is the table as it arrived; it aliases the payload.
type bootTable []byte

func readBoots(r *reader) bootTable {
	n := r.count("boots", bootsMax, 8)
	return r.take("boots", uint64(n)*8)
}

func appendBootIndex(b []byte, boot replica.Boot, table []replica.Boot) []byte {
	i, _ := slices.BinarySearch(table, boot)
	return appendCount(b, i)
}

func (r *reader) bootIndex(field string, table bootTable) replica.Boot {
	i := r.uvarint(field)
	if i >= uint64(len(table)/8) {
		r.fail(field, "not in the table of boots")
		return 0
	}
	return replica.Boot(binary.BigEndian.Uint64(table[i*8:]))
}

// isZeroClaim reports whether every field of c is zero. It is narrower than Claim.IsZero, under which a slot that was
// never claimed still has its number.
func isZeroClaim(c *replica.Claim) bool {
	return c.Slot == 0 && c.Epoch == 0 && c.Primary == 0 && len(c.Backups) == 0 && len(c.Emptied) == 0 && c.Seen == 0 &&
		len(c.Lineage) == 0
}

// appendClaim appends a record with c, empty for the zero claim.
func appendClaim(b []byte, c *replica.Claim, table []replica.Boot) []byte {
	b, mark := beginRecord(b)
	if !isZeroClaim(c) {
		b = appendUint32(b, c.Slot)
		b = appendUvarint(b, c.Epoch)
		b = appendBootIndex(b, c.Primary, table)
		b = appendCount(b, len(c.Backups))
		for _, boot := range c.Backups {
			b = appendBootIndex(b, boot, table)
		}
		b = appendCount(b, len(c.Emptied))
		for _, epoch := range c.Emptied {
			b = appendUvarint(b, epoch)
		}
		b = appendUint32(b, c.Seen)
		b = appendLineage(b, c.Lineage, table)
	}
	return endRecord(b, mark)
}

func readClaim(r *reader, table bootTable) replica.Claim {
	after := r.enter("claim")
	defer r.leave(after)
	if len(r.rest) == 0 {
		return replica.Claim{}
	}
	return replica.Claim{
		Slot:    r.uint32("claim slot"),
		Epoch:   r.uvarint("claim epoch"),
		Primary: r.bootIndex("primary", table),
		Backups: readBackups(r, table),
		Emptied: readEmptied(r),
		Seen:    r.uint32("seen"),
		Lineage: readLineage(r, table),
	}
}

func appendLineage(b []byte, lineage []replica.Turn, table []replica.Boot) []byte {
	b = appendCount(b, len(lineage))
	for i := range lineage {
		b = appendUvarint(b, lineage[i].Epoch)
		b = appendBootIndex(b, lineage[i].Primary, table)
		b = appendFixed64(b, lineage[i].Clock)
	}
	return b
}

func readLineage(r *reader, table bootTable) []replica.Turn {
	n := r.count("lineage", replica.LineageMax, turnSizeMin)
	if n == 0 {
		return nil
	}
	lineage := make([]replica.Turn, n)
	for i := range lineage {
		lineage[i] = replica.Turn{
			Epoch: r.uvarint("turn epoch"), Primary: r.bootIndex("turn primary", table), Clock: r.fixed64("turn clock"),
		}
	}
	return lineage
}

func readEmptied(r *reader) []uint64 {
	var emptied []uint64
	for range r.count("emptied", replica.EmptiedMax, 1) {
		emptied = append(emptied, r.uvarint("emptied"))
	}
	return emptied
}

func readBackups(r *reader, table bootTable) []replica.Boot {
	n := r.count("backups", backupsMax, 1)
	if n == 0 {
		return nil
	}
	backups := make([]replica.Boot, n)
	for i := range backups {
		backups[i] = r.bootIndex("backup", table)
	}
	return backups
}

// appendClaims appends the table of boots and the claims.
func appendClaims(b []byte, claims []replica.Claim) []byte {
	var space [bootsOnStack]replica.Boot
	table := space[:0]
	for i := range claims {
		table = addBoots(table, &claims[i])
	}
	b = appendBoots(b, table)
	b = appendCount(b, len(claims))
	for i := range claims {
		b = appendClaim(b, &claims[i], table)
	}
	return b
}

func readClaims(r *reader) []replica.Claim {
	table := readBoots(r)
	n := r.count("claims", claimsMax, listedSizeMin)
	if n == 0 {
		return nil
	}
	claims := make([]replica.Claim, n)
	for i := range claims {
		claims[i] = readClaim(r, table)
		if isZeroClaim(&claims[i]) {
			r.fail("claims", "one of no slot's")
		}
		if r.failed() {
			return nil
		}
	}
	return claims
}

func appendAsk(b []byte, m *replica.Ask) []byte {
	var space [bootsOnStack]replica.Boot
	table := space[:0]
	for i := range m.Slots {
		table = addBoots(table, &m.Slots[i].Known)
	}
	b = appendUvarint(b, m.Round)
	b = appendBoots(b, table)
	b = appendCount(b, len(m.Slots))
	for i := range m.Slots {
		var mark int
		b, mark = beginRecord(b)
		b = appendUint32(b, m.Slots[i].Slot)
		b = appendClaim(b, &m.Slots[i].Known, table)
		b = endRecord(b, mark)
	}
	return b
}

func readAsk(r *reader) *replica.Ask {
	m := &replica.Ask{Round: r.uvarint("round")}
	table := readBoots(r)
	n := r.count("slots", claimsMax, askedSizeMin)
	if n == 0 {
		return m
	}
	m.Slots = make([]replica.AskedSlot, n)
	for i := range m.Slots {
		after := r.enter("asked slot")
		m.Slots[i] = replica.AskedSlot{Slot: r.uint32("slot"), Known: readClaim(r, table)}
		r.leave(after)
		if r.failed() {
			break
		}
	}
	return m
}

const answeredHolds = 1 << 0

func appendAnswer(b []byte, m *replica.Answer) []byte {
	var space [bootsOnStack]replica.Boot
	table := space[:0]
	for i := range m.Slots {
		table = addBoots(table, &m.Slots[i].Claim)
	}
	b = appendUvarint(b, m.Round)
	b = appendBoots(b, table)
	b = appendCount(b, len(m.Slots))
	for i := range m.Slots {
		b = appendAnswered(b, &m.Slots[i], table)
	}
	return b
}

func appendAnswered(b []byte, s *replica.AnsweredSlot, table []replica.Boot) []byte {
	b, mark := beginRecord(b)
	b = appendUint32(b, s.Slot)
	b = append(b, byte(s.Verdict), bitIf(s.Holds, answeredHolds))
	b = appendPosition(b, s.Position)
	b = appendClaim(b, &s.Claim, table)
	return endRecord(b, mark)
}

func readAnswer(r *reader) *replica.Answer {
	m := &replica.Answer{Round: r.uvarint("round")}
	table := readBoots(r)
	n := r.count("slots", claimsMax, answeredSizeMin)
	if n == 0 {
		return m
	}
	m.Slots = make([]replica.AnsweredSlot, n)
	for i := range m.Slots {
		m.Slots[i] = readAnswered(r, table)
		if r.failed() {
			break
		}
	}
	return m
}

func readAnswered(r *reader, table bootTable) replica.AnsweredSlot {
	after := r.enter("answered slot")
	defer r.leave(after)
	return replica.AnsweredSlot{
		Slot:     r.uint32("slot"),
		Verdict:  replica.Verdict(r.enum("verdict", byte(replica.Busy))),
		Holds:    r.byte("flags")&answeredHolds != 0,
		Position: readPosition(r),
		Claim:    readClaim(r, table),
	}
}
