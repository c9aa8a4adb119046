package wire

import (
	"time"

	"github.com/sessnode/sessnode/replica"
)

const (
	itemSizeMin = 1 + 2 + 8
	itemsMax    = 1 << 16 // of one offer; as many may be wanted
)

func appendOffer(b []byte, m *replica.Offer, now time.Duration) []byte {
	var space [replica.LineageMax]replica.Boot
	boots := space[:0]
	for i := range m.Lineage {
		boots = addBoot(boots, m.Lineage[i].Primary)
	}
	b = appendUint32(b, m.Slot)
	b = appendUvarint(b, m.Transfer)
	b = appendUint32(b, m.Chunk)
	b = append(b, bitIf(m.Last, chunkLast))
	b = appendParts(b, m.Parts, now)
	b = appendRemembered(b, m.Requests)
	b = appendLineage(appendBoots(b, boots), m.Lineage, boots)
	b = appendCount(b, len(m.Items))
	for i := range m.Items {
		var mark int
		b, mark = beginRecord(b)
		b = appendKey(b, m.Items[i].Key)
		b = appendFixed64(b, m.Items[i].Version)
		b = endRecord(b, mark)
	}
	return b
}

func readOffer(r *reader) *replica.Offer {
	m := &replica.Offer{
		Slot:     r.uint32("slot"),
		Transfer: r.uvarint("transfer"),
		Chunk:    r.uint32("chunk"),
		Last:     r.byte("flags")&chunkLast != 0,
		Parts:    readParts(r, nil),
		Requests: readRemembered(r),
	}
	m.Lineage = readLineage(r, readBoots(r))
	m.Items = readItems(r)
	return m
}

func readItems(r *reader) []replica.Item {
	n := r.count("items", itemsMax, itemSizeMin)
	if n == 0 {
		return nil
	}
	items := make([]replica.Item, n)
	for i := range items {
		after := r.enter("item")
		items[i] = replica.Item{Key: ownKey(r.viewKey()), Version: r.fixed64("version")}
		r.leave(after)
		if r.failed() {
			return nil
		}
	}
	return items
}

func appendOfferReply(b []byte, m *replica.OfferReply) []byte {
	b = appendChunkReply(b, chunkReply{Slot: m.Slot, Transfer: m.Transfer, Chunk: m.Chunk, Refused: m.Refused})
	b = appendCount(b, len(m.Wanted))
	for _, i := range m.Wanted {
		b = appendUint32(b, i)
	}
	return b
}

func readOfferReply(r *reader) *replica.OfferReply {
	c := readChunkReply(r)
	m := &replica.OfferReply{Slot: c.Slot, Transfer: c.Transfer, Chunk: c.Chunk, Refused: c.Refused}
	for range r.count("wanted", itemsMax, 1) {
		m.Wanted = append(m.Wanted, r.uint32("wanted"))
	}
	return m
}

func appendFetch(b []byte, m *replica.Fetch) []byte {
	return appendKey(appendUint32(b, m.Slot), m.Key)
}

func readFetch(r *reader) *replica.Fetch {
	return &replica.Fetch{Slot: r.uint32("slot"), Key: ownKey(r.viewKey())}
}

func appendFetched(b []byte, m *replica.Fetched, now time.Duration) []byte {
	b = appendKey(appendUint32(b, m.Slot), m.Key)
	return appendRemembered(appendParts(b, m.Parts, now), m.Requests)
}

func readFetched(r *reader) *replica.Fetched {
	return &replica.Fetched{
		Slot: r.uint32("slot"), Key: ownKey(r.viewKey()), Parts: readParts(r, nil), Requests: readRemembered(r),
	}
}

func appendCheck(b []byte, m *replica.Check) []byte {
	b = appendUint32(b, m.Slot)
	b = appendUvarint(b, m.Epoch)
	b = appendUvarint(b, m.Seq)
	b = appendInt64(b, m.Cut)
	return appendFixed64(b, m.Digest)
}

func readCheck(r *reader) *replica.Check {
	return &replica.Check{
		Slot: r.uint32("slot"), Epoch: r.uvarint("epoch"), Seq: r.uvarint("seq"), Cut: r.int64("cut"),
		Digest: r.fixed64("digest"),
	}
}
