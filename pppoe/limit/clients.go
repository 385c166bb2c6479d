package limit

import "upppoe/pppoe/wire"

// Clients are lists of the clients that are answered. The zero value admits all.
type Clients struct {
	Allow *wire.AddrSet // nil: all
	Deny  *wire.AddrSet // these are not, even if Allow has them
}

// Admit reports whether a client is answered; the error is ErrDenied.
func (c Clients) Admit(a wire.Addr) error {
	if c.Deny.Contains(a) || c.Allow != nil && !c.Allow.Contains(a) {
		return ErrDenied
	}
	return nil
}
