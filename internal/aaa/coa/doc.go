// Package coa lets AAA servers change and end sessions: CoA-Request and Disconnect-Request (RFC 5176).
// Requests are accepted from configured clients only, once, and not if they are old.
package coa
