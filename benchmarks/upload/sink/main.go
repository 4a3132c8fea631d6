// Command sink answers the calls of S3 that upload something, over TLS, and keeps nothing: what is measured in front of it is the client.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

var (
	bytes   atomic.Int64
	objects atomic.Int64
	uploads atomic.Int64
	buffers = sync.Pool{New: func() any { b := make([]byte, 256<<10); return &b }}
)

func swallow(body io.Reader) int64 {
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	var total int64
	for {
		n, err := body.Read(*buffer)
		total += int64(n)
		if err != nil {
			return total
		}
	}
}

func answer(server string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		parts := strings.SplitN(strings.TrimPrefix(r.URL.Path, "/"), "/", 2)
		isObject := len(parts) == 2 && parts[1] != ""
		switch {
		case r.Method == "PUT":
			got := swallow(r.Body)
			if isObject && !strings.Contains(r.URL.Path, "/.store/") {
				bytes.Add(got)
				if !query.Has("partNumber") {
					objects.Add(1)
				}
			}
			w.Header().Set("ETag", `"nothing-was-kept"`)
		case r.Method == "POST" && query.Has("uploads"):
			fmt.Fprintf(w, "<InitiateMultipartUploadResult><Bucket>%s</Bucket><Key>%s</Key><UploadId>%d</UploadId></InitiateMultipartUploadResult>",
				parts[0], parts[1], uploads.Add(1))
		case r.Method == "POST" && query.Has("uploadId"):
			swallow(r.Body)
			objects.Add(1)
			fmt.Fprint(w, `<CompleteMultipartUploadResult><ETag>"nothing-was-kept-1"</ETag></CompleteMultipartUploadResult>`)
		case r.Method == "DELETE":
			w.WriteHeader(http.StatusNoContent)
		case strings.HasSuffix(r.URL.Path, "/.store/server.json"):
			// That it keeps its conditions was found out before, as it were: nothing is probed here.
			fmt.Fprintf(w, `{"schema":1,"server":"%s","probedAt":"%s","traits":{"etags":"quoted","checksum":"crc32","removal":"delete"}}`,
				server, time.Now().UTC().Format(time.RFC3339))
		case isObject:
			w.WriteHeader(http.StatusNotFound)
			if r.Method == "GET" {
				fmt.Fprint(w, "<Error><Code>NoSuchKey</Code></Error>")
			}
		default:
			fmt.Fprint(w, "<ListBucketResult><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>")
		}
	}
}

// Each line that it is told is answered by how many objects and bytes came since the last.
func count() {
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		fmt.Printf("%d %d\n", objects.Swap(0), bytes.Swap(0))
	}
	os.Exit(0)
}

// A connection that is read in large pieces: TLS alone asks the kernel twice for each of its records.
type connection struct {
	net.Conn
	reader *bufio.Reader
}

func (c connection) Read(p []byte) (int, error) { return c.reader.Read(p) }

type buffered struct{ net.Listener }

func (l buffered) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return connection{c, bufio.NewReaderSize(c, 256<<10)}, nil
}

func main() {
	port := flag.Int("port", 0, "port of loopback")
	cert := flag.String("cert", "", "certificate")
	key := flag.String("key", "", "its key")
	flag.Parse()
	address := fmt.Sprintf("127.0.0.1:%d", *port)
	go count()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		log.Fatal(err)
	}
	server := http.Server{Addr: address, Handler: answer("https://" + address), ErrorLog: log.New(io.Discard, "", 0)}
	log.Fatal(server.ServeTLS(buffered{listener}, *cert, *key))
}
