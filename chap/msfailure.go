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

// ErrFailure reports that the message of an MS-CHAPv2 Failure does not have the format
// of RFC 2759 section 6.
var ErrFailure = errors.New("chap: MS-CHAPv2 Failure without E=number")

// MSFailure is the message of an MS-CHAPv2 Failure (RFC 2759 section 6).
type MSFailure struct {
	Error     int    // E: the Windows error number
	Retry     bool   // R: another Response is accepted
	Challenge []byte // C: the challenge for that; empty: none was sent
	Version   int    // V: of the change password protocol
	Message   string // M: a text for people; untrusted: escape it before printing
}

// ParseMSFailure parses "E=... R=... C=... V=... M=...". Only E is required, as some
// servers omit the others.
func ParseMSFailure(message []byte) (MSFailure, error) {
	fields, text := cutText(string(message))
	f := MSFailure{Message: text}
	hasError := false
	for _, field := range strings.Fields(fields) {
		key, value, _ := strings.Cut(field, "=")
		var err error
		switch key {
		case "E":
			f.Error, err = strconv.Atoi(value)
			hasError = true
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
	if !hasError {
		return MSFailure{}, ErrFailure
	}
	return f, nil
}

// cutText separates the text, which is last and may contain anything.
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

// String returns a text for people: the server's message, or else the meaning of its
// error number. It is untrusted.
func (f MSFailure) String() string {
	if f.Message != "" {
		return f.Message
	}
	if meaning, ok := msErrors[f.Error]; ok {
		return meaning
	}
	return "E=" + strconv.Itoa(f.Error)
}
