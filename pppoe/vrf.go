package pppoe

import (
	"context"
	"errors"
	"strings"

	"upppoe/ppp"
)

// Reasons for which a session is not in the VRF of its policy (SessionPolicy.VRF).
var (
	ErrVRFChange  = errors.New("pppoe: the VRF of an open session cannot be changed: disconnect it, and its client gets the new one when it dials again")
	errSharedVRF  = errors.New("a session of a shared device cannot have a VRF: use a device for each session")
	errVRFNetwork = errors.New("the server's HostNetwork has no VRFs")
)

// VRFNetwork is a HostNetwork that enslaves the device of a session to Addressing.VRF.
type VRFNetwork interface {
	// CheckVRF returns an error if there is no VRF of a name, which says what to do. It may block, and
	// may be called concurrently.
	CheckVRF(name string) error
}

// vrfNetworkOf returns a network as one that has VRFs. The error says that it has none.
func vrfNetworkOf(h HostNetwork) (VRFNetwork, error) {
	if n, ok := h.(VRFNetwork); ok {
		return n, nil
	}
	return nil, errVRFNetwork
}

// vrfAuthenticator rejects the logins of users whose VRF does not exist. As it asks the kernel, it does
// so where the Authenticator may block.
type vrfAuthenticator struct {
	Authenticator
	loop *serverLoop
}

// Authenticate returns the result of the Authenticator, or rejects the login.
func (a vrfAuthenticator) Authenticate(ctx context.Context, s SessionInfo, r ppp.AuthResponse) AuthResult {
	result := a.Authenticator.Authenticate(ctx, s, r)
	if !result.Accepted {
		return result
	}
	s.User = r.User()
	if err := a.loop.checkVRF(a.loop.policyFor(s, result.Policy)); err != nil {
		return AuthResult{AuthResult: ppp.AuthResult{Reason: err.Error()}}
	}
	return result
}

// checkVRF returns an error if sessions of a policy cannot be in its VRF. It may block.
func (l *serverLoop) checkVRF(p *SessionPolicy) error {
	switch {
	case p.VRF == "":
		return nil
	case l.loop.shared != nil:
		return errSharedVRF
	}
	network, err := vrfNetworkOf(l.loop.reconciler.network)
	if err != nil {
		return err
	}
	return network.CheckVRF(p.VRF)
}

// desiredAddressing returns the addressing that the session's device is to have.
func (s *sessionState) desiredAddressing() Addressing {
	a := s.desired.addressing()
	a.VRF = s.policy.VRF
	return a
}

// IsVRFName reports whether a VRF can have a name: that of a network interface, of 1 to 15 printable
// octets of ASCII.
func IsVRFName(name string) bool {
	return name != "" && len(name) < 16 && name != "." && name != ".." &&
		!strings.ContainsFunc(name, func(c rune) bool { return c <= ' ' || c > '~' || c == '/' || c == ':' || c == '%' })
}
