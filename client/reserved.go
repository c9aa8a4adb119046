package client

import (
	"fmt"
	"strings"

	"github.com/sessnode/sessnode/replica"
)

// AttrReserved begins the names of attributes that belong to this library. Handlers can neither read nor write them by
// name.
const AttrReserved = "sessnode:"

// AttrPrincipal is the attribute that holds what [SetPrincipal] was given, as it is, without a codec.
const AttrPrincipal = replica.AttrPrincipal

// checkName reports a name that no handler's attribute can have.
func checkName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("%w: an attribute needs a name", replica.ErrBadRequest)
	case strings.HasPrefix(name, AttrReserved):
		return fmt.Errorf("%w: attribute %q: names that begin with %q are reserved for the library; choose another",
			replica.ErrBadRequest, name, AttrReserved)
	}
	return nil
}

// SetPrincipal says whose session this is, a user's id for instance, so that all sessions of one principal can be found.
// It begins a session like [Set]. The empty string takes it back. Errors: replica.ErrTooLarge for more than
// replica.PrincipalLenMax bytes; otherwise as for Set.
func SetPrincipal(s *Session, principal string) error {
	if len(principal) > replica.PrincipalLenMax {
		return fmt.Errorf("%w: principal of %d bytes, limit %d", replica.ErrTooLarge, len(principal), replica.PrincipalLenMax)
	}
	if principal == "" {
		return s.change(replica.Change{Name: AttrPrincipal, Delete: true})
	}
	return s.change(replica.Change{Name: AttrPrincipal, Value: []byte(principal)})
}

// Principal is what [SetPrincipal] was given, or "". Errors are those of [Has].
func Principal(s *Session) (string, error) {
	v, _, err := s.value(AttrPrincipal)
	return string(v), err
}
