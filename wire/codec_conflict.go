package wire

import "github.com/sessnode/sessnode/replica"

const (
	conflictSizeMin = 1 + 1 + 2 + 1 + 1 + 9 + 9 + 1
	conflictsMax    = 1 << 16
)

func appendGivenUp(b []byte, m *replica.GivenUp) []byte {
	b = appendCount(appendUvarint(b, m.Older), len(m.Conflicts))
	for i := range m.Conflicts {
		c := &m.Conflicts[i]
		var mark int
		b, mark = beginRecord(b)
		b = appendKey(appendUint32(b, c.Slot), c.Key)
		b = append(appendText(b, c.Attr), byte(c.Cause))
		b = appendStamp(appendStamp(b, c.Lost), c.Kept)
		b = endRecord(appendInt64(b, c.Found), mark)
	}
	return b
}

func readGivenUp(r *reader) *replica.GivenUp {
	m := &replica.GivenUp{Older: r.uvarint("older")}
	n := r.count("conflicts", conflictsMax, conflictSizeMin)
	for range n {
		after := r.enter("conflict")
		m.Conflicts = append(m.Conflicts, replica.Conflict{
			Slot: r.uint32("slot"), Key: ownKey(r.viewKey()), Attr: r.text("attribute name"), Cause: replica.Cause(r.byte("cause")),
			Lost: r.stamp("lost"), Kept: r.stamp("kept"), Found: r.int64("found"),
		})
		r.leave(after)
		if r.failed() {
			return nil
		}
	}
	return m
}
