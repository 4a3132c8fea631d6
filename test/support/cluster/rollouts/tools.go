//go:build tools

// The controller of Argo Rollouts is built from its own module: this file only names its command, so that go.mod and go.sum pin it.
package main

import _ "github.com/argoproj/argo-rollouts/cmd/rollouts-controller"
