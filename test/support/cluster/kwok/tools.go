//go:build tools

// kwok is built from its own module: this file only names its command, so that go.mod and go.sum pin it.
package main

import _ "sigs.k8s.io/kwok/cmd/kwok"
