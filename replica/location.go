package replica

// Location says where a session is, as the node or client asked knows it.
type Location struct {
	Slot    uint32
	Epoch   uint64
	Primary Member   // zero while the slot has none
	Backups []Member // first to take over first
}
