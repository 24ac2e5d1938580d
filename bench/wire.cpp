// Both ends of the relay benchmark, in C++ so that neither is what is measured: `wire source FILE [--port N]` speaks llama-server's streaming
// protocol at a known pace, `wire read …` takes streams by SSE, by /chat or by a page's socket and says how old each stamp was.
// One thread each, epoll. Built and driven by bench/relay.ts.
//
// A stamp is "qz" and ten digits in base 36: the microsecond, since 1970, at which the source wrote it. Both ends share the machine's clock.

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <queue>
#include <string>
#include <vector>

using std::string;

static int64_t clock_us(clockid_t clock) {
    timespec t;
    clock_gettime(clock, &t);
    return int64_t(t.tv_sec) * 1'000'000 + t.tv_nsec / 1'000;
}
static int64_t now_us() { return clock_us(CLOCK_REALTIME); }
static int64_t cpu_us() { return clock_us(CLOCK_PROCESS_CPUTIME_ID); }

static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
static const int stamp_chars = 12;
static void put_stamp(char *out) {
    out[0] = 'q', out[1] = 'z';
    int64_t us = now_us();
    for (int i = stamp_chars - 1; i >= 2; i--, us /= 36) out[i] = digits[us % 36];
}
/** The moment at `text`, or -1 where no whole stamp stands. */
static int64_t read_stamp(const char *text) {
    int64_t us = 0;
    for (int i = 2; i < stamp_chars; i++) {
        char c = text[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'z' ? c - 'a' + 10 : -1;
        if (digit < 0) return -1;
        us = us * 36 + digit;
    }
    return us;
}

static int listening(int port, int *bound) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    sockaddr_in address{AF_INET, htons(port), {htonl(INADDR_LOOPBACK)}, {}};
    if (bind(fd, (sockaddr *)&address, sizeof address) || listen(fd, 4096)) perror("listen"), exit(1);
    socklen_t size = sizeof address;
    getsockname(fd, (sockaddr *)&address, &size);
    *bound = ntohs(address.sin_port);
    return fd;
}

// ---------------------------------------------------------------------------------------------------------------- source

/** A text cut into what a model would write as tokens, about five characters each; "@" in it is a stamp. */
struct Recital {
    std::vector<string> pieces;  // as JSON writes them
    explicit Recital(const string &text) {
        auto escaped = [](char c) { return c == '\n' ? string("\\n") : c == '"' || c == '\\' ? string("\\") + c : string(1, c); };
        string piece;
        int chars = 0;
        auto cut = [&] {
            if (chars) pieces.push_back(piece);
            piece.clear(), chars = 0;
        };
        for (char c : text) {
            if (c == '@') cut();
            piece += escaped(c), chars++;
            if (chars == 5 || c == '@') cut();
        }
        cut();
    }
};

/** What llama-server 0.5.0 writes around a token. */
static const string event_head = R"(data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":")";
static string event_tail =  // "created" is the second, as llama-server has it
    R"("}}],"created":1790000000,"id":"chatcmpl-OwVWIFZXF62AkiTCvTGnvTCbBWuNXvAs","model":"source.gguf","system_fingerprint":"b1-0000000","object":"chat.completion.chunk"})"
    "\n\n";
static const string first_event =
    R"(data: {"choices":[{"finish_reason":null,"index":0,"delta":{"role":"assistant","content":null}}],"created":1790000000,"id":"chatcmpl-OwVWIFZXF62AkiTCvTGnvTCbBWuNXvAs","model":"source.gguf","object":"chat.completion.chunk"})"
    "\n\n";
static const string last_events =
    R"(data: {"choices":[{"finish_reason":"stop","index":0,"delta":{}}],"object":"chat.completion.chunk"})"
    "\n\n"
    R"(data: {"choices":[],"usage":{"completion_tokens":1,"prompt_tokens":1,"total_tokens":2},"object":"chat.completion.chunk"})"
    "\n\ndata: [DONE]\n\n";

static string chunked(const string &data) {
    char size[20];
    snprintf(size, sizeof size, "%zx\r\n", data.size());
    return size + data + "\r\n";
}

struct Stream {
    string in, out;
    bool streaming = false;
    int tokens = 0, sent = 0;
    int64_t gap_us = 0, due_us = 0;
};

class Source {
    const Recital recital;
    const int epoll = epoll_create1(EPOLL_CLOEXEC);
    std::vector<Stream *> streams;
    std::priority_queue<std::pair<int64_t, int>, std::vector<std::pair<int64_t, int>>, std::greater<>> due;

  public:
    explicit Source(const string &text) : recital(text) {}

    [[noreturn]] void serve(int listener, bool ends_with_input) {
        watch(listener, EPOLLIN, EPOLL_CTL_ADD);
        if (ends_with_input) watch(STDIN_FILENO, EPOLLIN, EPOLL_CTL_ADD);
        std::vector<epoll_event> events(1024);
        for (;;) {
            int64_t wait_us = due.empty() ? 1'000'000 : std::max<int64_t>(0, due.top().first - now_us());
            timespec wait{wait_us / 1'000'000, (wait_us % 1'000'000) * 1'000};
            int count = epoll_pwait2(epoll, events.data(), int(events.size()), &wait, nullptr);
            for (int i = 0; i < count; i++) {
                int fd = events[i].data.fd;
                char command[256];
                if (fd == listener) take(listener);
                else if (fd == STDIN_FILENO && read(fd, command, sizeof command) <= 0) exit(0);
                else if (fd == STDIN_FILENO) continue;
                else if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) hear(fd);
                else if (events[i].events & EPOLLOUT) write_on(fd);
            }
            for (int64_t now = now_us(); !due.empty() && due.top().first <= now;) {
                int fd = due.top().second;
                due.pop();
                if (fd < int(streams.size()) && streams[fd] && streams[fd]->streaming) tick(fd);
            }
        }
    }

  private:
    void watch(int fd, uint32_t events, int how) {
        epoll_event event{events, {}};
        event.data.fd = fd;
        epoll_ctl(epoll, how, fd, &event);
    }
    void take(int listener) {
        for (int fd; (fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
            int one = 1;
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
            if (fd >= int(streams.size())) streams.resize(fd + 1);
            streams[fd] = new Stream;
            watch(fd, EPOLLIN, EPOLL_CTL_ADD);
        }
    }
    void drop(int fd) {
        delete streams[fd];
        streams[fd] = nullptr;
        close(fd);
    }
    void hear(int fd) {
        char buffer[65536];
        ssize_t size = recv(fd, buffer, sizeof buffer, 0);
        if (size <= 0) {
            if (size == 0 || errno != EAGAIN) drop(fd);
            return;
        }
        Stream &s = *streams[fd];
        s.in.append(buffer, size);
        size_t head = s.in.find("\r\n\r\n");
        if (head == string::npos) return;
        string lower = s.in.substr(0, head);
        std::transform(lower.begin(), lower.end(), lower.begin(), ::tolower);
        size_t length_at = lower.find("content-length:");
        size_t length = length_at == string::npos ? 0 : strtoul(lower.c_str() + length_at + 15, nullptr, 10);
        if (s.in.size() < head + 4 + length) return;
        answer(fd, s.in.substr(0, s.in.find("\r\n")), s.in.substr(head + 4, length));
    }
    static int64_t number(const string &body, const char *name) {
        size_t at = body.find(name);
        return at == string::npos ? 0 : strtoll(body.c_str() + at + strlen(name) + strspn(body.c_str() + at + strlen(name), "\\\": "), nullptr, 10);
    }
    void answer(int fd, const string &line, const string &body) {
        Stream &s = *streams[fd];
        s.in.clear();
        if (line.find("POST") != 0 || line.find("/completions ") == string::npos) {
            bool props = line.find("/props") != string::npos, slots = line.find("/slots") != string::npos, counts = line.find("input_tokens") != string::npos;
            string json = props ? R"({"total_slots":1024,"model_alias":"source","default_generation_settings":{"n_ctx":131072}})"
                          : slots ? "[]" : counts ? R"({"input_tokens":10})" : R"({"status":"ok"})";
            s.out = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(json.size()) + "\r\n\r\n" + json;
            write_on(fd);
            return;
        }
        int64_t per_second = number(body, "perSecond");
        s.tokens = int(number(body, "tokens"));
        s.gap_us = per_second ? 1'000'000 / per_second : 0;
        s.streaming = true;
        s.out = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\nServer: llama.cpp\r\n\r\n" + chunked(first_event);
        s.due_us = now_us();
        s.gap_us ? tick(fd) : write_on(fd);
    }
    void add_token(Stream &s) {
        const string &piece = recital.pieces[s.sent % recital.pieces.size()];
        static const size_t created_at = event_tail.find("179");
        static int64_t created = 0;
        if (int64_t second = now_us() / 1'000'000; second != created) event_tail.replace(created_at, 10, std::to_string(created = second));
        string event = event_head + (piece == "@" ? string(stamp_chars, ' ') : piece) + event_tail;
        if (piece == "@") put_stamp(event.data() + event_head.size());
        s.out += chunked(event);
        if (++s.sent == s.tokens) s.out += chunked(last_events) + "0\r\n\r\n";
    }
    /** One token of a paced stream, late ones at once. */
    void tick(int fd) {
        Stream &s = *streams[fd];
        add_token(s);
        if (s.sent < s.tokens) due.push({s.due_us += s.gap_us, fd});
        write_on(fd);
    }
    /** What waits; for a stream without a pace, as much as is taken. */
    void write_on(int fd) {
        for (;;) {
            Stream &s = *streams[fd];
            bool is_free = s.streaming && s.gap_us == 0;
            while (is_free && s.sent < s.tokens && s.out.size() < 8192) add_token(s);
            if (s.out.empty()) break;
            ssize_t size = send(fd, s.out.data(), s.out.size(), MSG_NOSIGNAL);
            if (size < 0 && errno == EAGAIN) return watch(fd, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
            if (size < 0) return drop(fd);
            s.out.erase(0, size);
        }
        Stream &s = *streams[fd];
        if (s.streaming && s.sent == s.tokens) s.streaming = false, s.sent = 0;
        watch(fd, EPOLLIN, EPOLL_CTL_MOD);
    }
};

// ------------------------------------------------------------------------------------------------------------------ read

/** One connection: raw bytes, in which stamps and the answer's end are looked for. */
struct Reader {
    int number = 0;
    enum { connecting, opening, seating, waiting, reading, over } state = connecting;
    string carry;  // the end of what was read before: a stamp may be cut
    string head;   // of the HTTP answer
    int64_t asked_us = 0, newest_us = 0, first_us = -1;
    bool is_stuck = false, asks = true;
};

struct Wish {
    string way = "sse", host = "127.0.0.1", path = "/v1/chat/completions", run = "r", model, question;
    bool no_stamps = false;
    int port = 0, streams = 1, tokens = 100, per_second = 20, spread_ms = 0, stuck = 0, watchers = 0, idle_ms = 0;
};

class Load {
    const Wish wish;
    const int epoll = epoll_create1(EPOLL_CLOEXEC);
    std::vector<Reader> readers;
    std::map<int, int> by_fd;
    std::vector<int> fds;
    std::vector<uint32_t> ages, firsts;
    int64_t bytes = 0, stamps = 0;
    int open = 0, left = 0, failed = 0;

  public:
    explicit Load(const Wish &wish) : wish(wish) {}

    void run() {
        int count = wish.way == "page" ? wish.streams * (1 + wish.watchers) : wish.streams;
        readers.resize(count), fds.resize(count);
        left = count - wish.stuck;
        for (int i = 0; i < count; i++) {
            readers[i].number = i;
            readers[i].asks = i < wish.streams;
            readers[i].is_stuck = i < wish.stuck;
            if (wish.way != "sse") start(i), settle_some(i);
        }
        while (wish.way != "sse" && open < count) step(50);
        if (wish.idle_ms) {
            printf("{\"open\":%d}\n", open), fflush(stdout);
            for (int64_t until = now_us() + wish.idle_ms * 1'000; now_us() < until;) step(50);
            return;
        }
        int64_t began = now_us(), cpu_before = cpu_us();
        for (int asked = 0; left > 0;) {
            int64_t next = began + (wish.streams > 1 ? int64_t(asked) * wish.spread_ms * 1'000 / wish.streams : 0);
            if (asked < wish.streams && now_us() >= next) {
                wish.way == "sse" ? start(asked) : ask(asked);
                asked++;
            } else step(asked < wish.streams ? std::max<int64_t>(0, std::min<int64_t>(20, (next - now_us()) / 1'000)) : 100);
            if (now_us() - began > 120'000'000) break;  // a contender that hangs is reported, not waited for
        }
        report(now_us() - began, cpu_us() - cpu_before);
    }

  private:
    /** Sockets are opened a few at a time, so that none is refused. */
    void settle_some(int i) {
        while (i - open > 64) step(50);
    }
    void start(int i) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1, small = 4096;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (readers[i].is_stuck) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
        sockaddr_in address{AF_INET, htons(wish.port), {inet_addr(wish.host.c_str())}, {}};
        int result = connect(fd, (sockaddr *)&address, sizeof address);
        if (result && errno != EINPROGRESS) perror("connect"), exit(1);
        fds[i] = fd, by_fd[fd] = i;
        epoll_event event{EPOLLIN | EPOLLOUT, {}};
        event.data.fd = fd;
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    }
    void put(int i, const string &data) {
        if (send(fds[i], data.data(), data.size(), MSG_NOSIGNAL) != ssize_t(data.size())) end(i, true);
    }
    /** 22 characters, as ids have. */
    string id(const char *kind, int i) const {
        char text[64];
        snprintf(text, sizeof text, "%s%s%06d", kind, wish.run.c_str(), i);
        string made = text;
        made.resize(22, '0');
        return made;
    }
    string question() const {
        if (!wish.question.empty()) return wish.question;
        return "{\\\"tokens\\\":" + std::to_string(wish.tokens) + ",\\\"perSecond\\\":" + std::to_string(wish.per_second) + "}";
    }
    /** The number of a reader's person: the watchers of a conversation are the same person as the one who asks in it. */
    int person(int i) const { return i < wish.streams ? i : (i - wish.streams) % wish.streams; }
    /** The headers that every way sends: a proxy has named the person, and a page of parlor's own sends the request. */
    string sender(int i) const {
        string host = wish.host + ":" + std::to_string(wish.port);
        return "Host: " + host + "\r\nOrigin: http://" + host + "\r\nRemote-User: person" + std::to_string(person(i)) + "\r\n";
    }
    void connected(int i) {
        epoll_event event{EPOLLIN, {}};
        event.data.fd = fds[i];
        epoll_ctl(epoll, EPOLL_CTL_MOD, fds[i], &event);
        if (wish.way == "sse") return ask(i);
        string path = wish.way == "page" ? "/live?c=" + id("c", person(i)) : wish.path;
        readers[i].state = Reader::opening;
        put(i, "GET " + path + " HTTP/1.1\r\n" + sender(i) +
                   "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
    }
    void ask(int i) {
        Reader &r = readers[i];
        r.asked_us = now_us();
        r.state = Reader::reading;
        string model = wish.model.empty() ? "" : "\"model\":\"" + wish.model + "\",";
        string body = "{" + model + "\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"" + question() + "\"}]}";
        if (wish.way == "sse")
            put(i, "POST " + wish.path + " HTTP/1.1\r\n" + sender(i) + "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
        else if (wish.way == "page") put(i, frame("{\"type\":\"say\",\"message\":\"" + id("m", i) + "\",\"text\":\"" + question() + "\"}"));
        else {
            string plain = question();
            plain.erase(std::remove(plain.begin(), plain.end(), '\\'), plain.end());
            put(i, frame(plain));
        }
    }
    /** A text frame, masked with zeros (RFC 6455 §5.3 asks for a mask, not for which). */
    static string frame(const string &text) {
        string head = "\x81";
        if (text.size() < 126) head += char(0x80 | text.size());
        else head += char(0x80 | 126), head += char(text.size() >> 8), head += char(text.size() & 255);
        return head + string(4, '\0') + text;
    }
    void step(int64_t wait_ms) {
        static std::vector<epoll_event> events(1024);
        int count = epoll_wait(epoll, events.data(), int(events.size()), int(wait_ms));
        for (int e = 0; e < count; e++) {
            auto found = by_fd.find(events[e].data.fd);
            if (found == by_fd.end()) continue;
            int i = found->second;
            if (readers[i].state == Reader::connecting) connected(i);
            if (events[e].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) hear(i);
        }
    }
    void hear(int i) {
        static char buffer[1 << 18];
        Reader &r = readers[i];
        if (r.is_stuck && r.first_us >= 0) {  // it reads no more
            epoll_ctl(epoll, EPOLL_CTL_DEL, fds[i], nullptr);
            return;
        }
        const size_t kept = r.carry.size();
        memcpy(buffer, r.carry.data(), kept);
        ssize_t size = recv(fds[i], buffer + kept, sizeof buffer - kept, 0);
        if (size < 0 && errno == EAGAIN) return;
        if (size <= 0) {
            if (r.state < Reader::waiting) fprintf(stderr, "a socket was closed before it was open\n"), exit(1);
            return end(i, true);
        }
        const int64_t now = now_us();
        const char *begin = buffer, *stop = buffer + kept + size;
        if (r.state == Reader::opening || r.state == Reader::seating) return seat(i, string(buffer + kept, size));
        if (r.state != Reader::reading && r.asks) return;
        if (!r.is_stuck) bytes += size;
        for (const char *at = begin; (at = (const char *)memchr(at, 'q', stop - at)); at++) {
            if (stop - at < stamp_chars) break;
            if (at[1] == 'z') note(r, at, now);
        }
        if (wish.no_stamps && r.first_us < 0 && has_text(begin, stop - begin)) firsts.push_back(uint32_t(r.first_us = now - r.asked_us));
        if (is_end(begin, stop - begin)) return end(i, false);
        const size_t tail = std::min<size_t>(stop - begin, 48);
        r.carry.assign(stop - tail, tail);
    }
    /** A frame may say again what an earlier one has said: only what is newer counts. */
    void note(Reader &r, const char *at, int64_t now) {
        const int64_t stamp = read_stamp(at);
        if (stamp <= r.newest_us) return;
        r.newest_us = stamp;
        if (r.is_stuck && r.first_us >= 0) return;
        if (r.first_us < 0 && r.asks) firsts.push_back(uint32_t((r.first_us = now - r.asked_us)));
        stamps++;
        ages.push_back(uint32_t(std::max<int64_t>(0, now - stamp)));
    }
    /** The first of an answer without stamps: anything on a plain socket, a chunk with content in a stream of events. */
    bool has_text(const char *text, size_t size) const { return wish.way != "sse" || memmem(text, size, "\"content\":\"", 11); }
    bool is_end(const char *text, size_t size) const {
        auto has = [&](const char *word) { return memmem(text, size, word, strlen(word)) != nullptr; };
        return wish.way == "page" ? has("data-role=\"assistant\" data-status=\"done\"") || has("data-status=\"failed\"") : has("[DONE]") || has("[ERROR]");
    }
    /** Through the handshake, and for a page through its first frame. */
    void seat(int i, const string &data) {
        Reader &r = readers[i];
        r.head += data;
        size_t end_of_head = r.head.find("\r\n\r\n");
        if (end_of_head == string::npos) return;
        if (r.head.compare(0, 12, "HTTP/1.1 101")) fprintf(stderr, "refused: %s\n", r.head.c_str()), exit(1);
        if (wish.way == "page" && r.head.find("id=thread", end_of_head) == string::npos) return;
        r.head.clear();
        r.state = r.asks ? Reader::waiting : Reader::reading;
        open++;
    }
    void end(int i, bool is_failure) {
        Reader &r = readers[i];
        if (r.state == Reader::over) return;
        if (is_failure) failed++;
        r.state = Reader::over;
        close(fds[i]);
        by_fd.erase(fds[i]);
        if (!r.is_stuck) left--;
    }
    static double at(std::vector<uint32_t> &values, double q) {
        if (values.empty()) return 0;
        size_t n = std::min(values.size() - 1, size_t(q * double(values.size())));
        std::nth_element(values.begin(), values.begin() + n, values.end());
        return values[n];
    }
    void report(int64_t wall_us, int64_t cpu) {
        printf("{\"p50\":%.0f,\"p99\":%.0f,\"p999\":%.0f,\"firstP50\":%.0f,\"firstP99\":%.0f,\"stamps\":%lld,\"bytes\":%lld,\"wallUs\":%lld,\"readerCpuUs\":%lld,\"failed\":%d,\"left\":%d}\n",
               at(ages, .5), at(ages, .99), at(ages, .999), at(firsts, .5), at(firsts, .99), (long long)stamps, (long long)bytes, (long long)wall_us, (long long)cpu, failed, left);
    }
};

int main(int count, char **words) {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    const string mode = count > 1 ? words[1] : "";
    std::map<string, string> given;
    for (int i = mode == "source" ? 3 : 2; i + 1 < count; i += 2) given[words[i]] = words[i + 1];
    auto number = [&](const char *name, int otherwise) { return given.count(name) ? atoi(given[name].c_str()) : otherwise; };
    auto text = [&](const char *name, const string &otherwise) { return given.count(name) ? given[name] : otherwise; };
    if (mode == "source") {
        std::ifstream file(words[2]);
        int bound;
        int listener = listening(number("--port", 0), &bound);
        printf("%d\n", bound), fflush(stdout);
        Source(string(std::istreambuf_iterator<char>(file), {})).serve(listener, number("--ends-with-input", 0));
    }
    if (mode != "read") fprintf(stderr, "usage: wire source FILE [--port N] | wire read --way sse|chat|page --port N …\n"), exit(2);
    Wish wish;
    wish.way = text("--way", "sse"), wish.path = text("--path", wish.way == "chat" ? "/chat" : wish.path), wish.run = text("--run", "r"), wish.model = text("--model", ""), wish.question = text("--question", "");
    wish.port = number("--port", 0), wish.streams = number("--streams", 1), wish.tokens = number("--tokens", 100), wish.per_second = number("--per-second", 20);
    wish.spread_ms = number("--spread-ms", 0), wish.stuck = number("--stuck", 0), wish.watchers = number("--watchers", 0), wish.idle_ms = number("--idle-ms", 0);
    wish.no_stamps = number("--no-stamps", 0);
    Load(wish).run();
}
