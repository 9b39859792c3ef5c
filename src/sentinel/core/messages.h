// What the pure machine of Sentinel (machine.h) is told and what it says: inputs and effects. Plain data.
//
// The machine talks to instances (primaries, replicas, other Sentinels) over links that a carrier opens for
// it. It composes the commands and reads the replies itself; the carrier moves them and decides nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace hearth::sentinel {

// The moment of a step. All waiting goes by the monotonic time; wall time is for what people read.
struct Now {
  int64_t monotonic_ms = 0;
  int64_t wall_ms = 0;
};

struct Address {
  std::string host;  // a number, or a name where names are resolved
  int port = 0;

  bool operator==(const Address&) const = default;
};

// A server's answer, as far as Sentinels need to know it.
struct Reply {
  enum class Kind : uint8_t { kNull, kStatus, kError, kInteger, kText, kArray };
  Kind kind = Kind::kNull;
  int64_t integer = 0;
  std::string text;  // kStatus, kError (without '-'), kText
  std::vector<Reply> elements;
};

using LinkId = uint64_t;  // never 0, never used twice

// Why a link could not be opened, or ended.
enum class LinkEnd : uint8_t {
  kRefused,      // nobody listens: the host said so
  kReset,        // the peer, or its host, ended an open connection
  kTimedOut,     // no answer to connect
  kUnreachable,  // no route, no such host name
  kRejected,     // the peer refused AUTH or another command of the setup
};

// ---- what has happened

namespace input {

// Time has passed. At the latest when next_wakeup_ms() says.
struct Tick {};
// The connection stands, and the setup that OpenLink asked for has been answered well.
struct LinkOpened {
  LinkId link;
  Address local;  // our end
};
// Also for a link that never came to stand. It is gone: its replies do not come any more.
struct LinkEnded {
  LinkId link;
  LinkEnd why;
  std::string text;  // the error, for the log and EXPLAIN
};
// The next reply on the link, in the order of the commands.
struct Replied {
  LinkId link;
  Reply reply;
};
// A message of a channel that the link has subscribed to.
struct Message {
  LinkId link;
  std::string channel;
  std::string text;
};
// A Sentinel sent its hello to us by PUBLISH.
struct Hello {
  std::string text;
};
// A host name has been looked up: the answer to effect::Resolve. Empty if it could not be found.
struct Resolved {
  std::string host;
  std::string number;
};
// A script has ended: the answer to effect::RunScript.
struct ScriptEnded {
  uint64_t script;
  int exit_code;
  int signal;  // 0 if it was none
};

}  // namespace input

using Input = std::variant<input::Tick, input::LinkOpened, input::LinkEnded, input::Replied, input::Message,
                           input::Hello, input::Resolved, input::ScriptEnded>;

// ---- what is to be done

namespace effect {

// Connect, send the commands of `setup` (AUTH, CLIENT SETNAME, SUBSCRIBE) and await their answers; then
// LinkOpened, or LinkEnded. With `is_subscriber` everything that comes later is a Message.
struct OpenLink {
  LinkId link;
  Address address;
  std::vector<std::vector<std::string>> setup;
  bool is_subscriber = false;
};
// No LinkEnded comes for it.
struct CloseLink {
  LinkId link;
};
struct Send {
  LinkId link;
  std::vector<std::string> command;
};
// The state (StateLines) is to be on disk before any later effect is carried out, and before the answer to
// the request that caused it leaves.
struct SaveState {};
// To subscribers of the channel `name`, and to the log as "<name> <text>".
struct Event {
  enum class Level : uint8_t { kDebug, kVerbose, kNotice, kWarning } level;
  std::string name;
  std::string text;
  bool is_published = true;
};
// A line for the log alone.
struct Log {
  Event::Level level;
  std::string text;
};
// The machine keeps the queue, the retries and the limits; the carrier starts it and reports its end.
struct RunScript {
  uint64_t script;                 // never used twice
  std::vector<std::string> words;  // the path first
};
struct KillScript {
  uint64_t script;
};
struct Resolve {
  std::string host;
};
// A simulated failure: the process ends at once, with exit code 99.
struct Crash {};

}  // namespace effect

using Effect =
    std::variant<effect::OpenLink, effect::CloseLink, effect::Send, effect::SaveState, effect::Event,
                 effect::Log, effect::RunScript, effect::KillScript, effect::Resolve, effect::Crash>;
using Effects = std::vector<Effect>;

}  // namespace hearth::sentinel
