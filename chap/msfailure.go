package chap

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// errAuthentication is ERROR_AUTHENTICATION_FAILURE (RFC 2759 section 6).
const errAuthentication = 691

// msErrors are the meanings of RFC 2759 section 6.
var msErrors = map[int]string{
	646:               "restricted logon hours",
	647:               "account disabled",
	648:               "password expired",
	649:               "no dial-in permission",
	errAuthentication: "authentication failure",
	709:               "error changing the password",
}

// ErrFailure says that the message of an MS-CHAPv2 Failure is not of the form
// that RFC 2759 section 6 gives it.
var ErrFailure = errors.New("chap: MS-CHAPv2 Failure without E=number")

// MSFailure is the message of an MS-CHAPv2 Failure (RFC 2759 section 6).
type MSFailure struct {
	Error     int    // E: why, as Windows numbers it
	Retry     bool   // R: another Response would be accepted
	Challenge []byte // C: the challenge for that; empty: none was given
	Version   int    // V: of the password changing protocol
	Message   string // M: words for people: escape it before printing
}

// ParseMSFailure reads "E=... R=... C=... V=... M=...", of which only the first
// must be there: some servers leave out what they have no use for.
func ParseMSFailure(message []byte) (MSFailure, error) {
	fields, text := cutText(string(message))
	f := MSFailure{Message: text}
	known := false
	for _, field := range strings.Fields(fields) {
		key, value, _ := strings.Cut(field, "=")
		var err error
		switch key {
		case "E":
			f.Error, err = strconv.Atoi(value)
			known = true
		case "R":
			f.Retry = value == "1"
		case "C":
			f.Challenge, err = hex.DecodeString(value)
		case "V":
			f.Version, err = strconv.Atoi(value)
		}
		if err != nil {
			return MSFailure{}, fmt.Errorf("%w: %w", ErrFailure, err)
		}
	}
	if !known {
		return MSFailure{}, ErrFailure
	}
	return f, nil
}

// cutText separates the words, which stand last and may hold anything.
func cutText(message string) (fields, text string) {
	if strings.HasPrefix(message, "M=") {
		return "", message[2:]
	}
	fields, text, _ = strings.Cut(message, " M=")
	return fields, text
}

// AppendTo appends the message.
func (f MSFailure) AppendTo(b []byte) []byte {
	retry := 0
	if f.Retry {
		retry = 1
	}
	b = fmt.Appendf(b, "E=%d R=%d", f.Error, retry)
	if len(f.Challenge) > 0 {
		b = fmt.Appendf(b, " C=%X", f.Challenge)
	}
	return fmt.Appendf(b, " V=%d M=%s", f.Version, f.Message)
}

// String is what to tell a person: the server's words, or else what its number
// means.
func (f MSFailure) String() string {
	if f.Message != "" {
		return f.Message
	}
	if meaning, ok := msErrors[f.Error]; ok {
		return meaning
	}
	return "E=" + strconv.Itoa(f.Error)
}
