// Speaks to a daemon by a client that oapi-codegen made of its document. The test generates the
// package client beside this file.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"

	"clients/client"
)

const (
	component = "go-agent"
	gvr       = "configmaps.v1.core"
	namespace = "default"
	name      = "typed"
	// 2^53+1 is no float64, and no generator knows `extra`.
	object = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"typed",` +
		`"namespace":"default","uid":"u","resourceVersion":"%d"},` +
		`"extra":{"big":9007199254740993,"none":null}}`
)

func main() {
	log.SetFlags(0)
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", os.Args[1])
	}
	socket := &http.Client{Transport: &http.Transport{DialContext: dial}}
	api, err := client.NewClientWithResponses("http://edgekeyd", client.WithHTTPClient(socket))
	check(err)
	ctx := context.Background()

	first := []byte(fmt.Sprintf(object, 7))
	created, err := api.CreateNamespacedObjectWithResponse(
		ctx, component, gvr, namespace, name, client.Object(first))
	check(err)
	expect(created.JSON201 != nil && created.JSON201.Created == 1, "created", created.Body)
	again, err := api.CreateNamespacedObjectWithResponse(
		ctx, component, gvr, namespace, name, client.Object(first))
	check(err)
	expect(again.JSON409 != nil && again.JSON409.Code == client.ErrorCodeKeyExists, "again", again.Body)

	read, err := api.GetNamespacedObjectWithResponse(ctx, component, gvr, namespace, name)
	check(err)
	expect(read.JSON200 != nil && bytes.Equal(*read.JSON200, first), "read", read.Body)

	// What was read is sent back, but for its version.
	second := bytes.Replace(*read.JSON200, []byte(`"7"`), []byte(`"8"`), 1)
	updated, err := api.UpdateNamespacedObjectWithResponse(
		ctx, component, gvr, namespace, name, client.Object(second))
	check(err)
	expect(updated.JSON200 != nil && updated.JSON200.Updated == 1, "updated", updated.Body)

	listed, err := api.ListObjectsWithResponse(ctx, component, gvr, nil)
	check(err)
	expect(listed.JSON200 != nil, "listed", listed.Body)
	items := *listed.JSON200.Items
	expect(len(items) == 1 && bytes.Equal(items[0], second), "item", listed.Body)
	sent, err := json.Marshal(items[0])
	check(err)
	expect(bytes.Equal(sent, second), "sent", sent)

	status, err := api.GetStatusWithResponse(ctx)
	check(err)
	expect(status.JSON200 != nil && status.JSON200.State == "in-step", "status", status.Body)
	// Milliseconds take more than 32 bits.
	expect(*status.JSON200.LastSuccessMs > 1<<32, "lastSuccessMs", status.Body)
	fmt.Println("done")
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func expect(holds bool, what string, body []byte) {
	if !holds {
		log.Fatalf("%s: %s", what, body)
	}
}
