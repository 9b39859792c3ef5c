// An engine with default settings, a clock that stands still, and internal clients, for unit tests of
// commands: runs commands given as words and returns their raw replies. Which commands there are is up to the
// test, which binds them.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/text.h"
#include "engine/engine.h"
#include "env/testing/manual_clock.h"

namespace hearth::engine {

class EngineFixture : public EffectSink {
 public:
  explicit EngineFixture(uint64_t seed = 1)
      : engine({settings, clock, env::TickScale(1000.0), log, seed}), client(&AddClient()) {
    log.SetLevel(LogLevel::kNothing);
    engine.effects().set_sink(this);
  }
  ~EngineFixture() {
    engine.effects().set_sink(nullptr);
    for (Session& session : sessions_) engine.clients().Remove(*session.client);
  }
  EngineFixture(const EngineFixture&) = delete;
  EngineFixture& operator=(const EngineFixture&) = delete;

  // One more internal client.
  Client& AddClient() {
    Session& session = sessions_.emplace_back(pool_);
    session.client = &engine.clients().Add(sessions_.size(), nullptr, session.output, engine.now_ms());
    engine.acl().Welcome(*session.client);
    return *session.client;
  }

  // Runs one command of the fixture's client, or of another, and returns its raw reply.
  std::string Run(const std::vector<std::string>& words) { return Run(*client, words); }
  std::string Run(Client& caller, const std::vector<std::string>& words) {
    engine.RefreshTime();
    const std::vector<std::string_view> args(words.begin(), words.end());
    engine.Run(caller, args, engine.commands().FindId(args[0]), 0);
    return TakeOutput(caller);
  }
  // The same with the words in one line; quotes as in a configuration file.
  std::string Do(std::string_view line) { return Run(*SplitArguments(line)); }

  // What a client got since it was last asked.
  std::string TakeOutput(Client& of) {
    resp::OutputBuffer& output = of.writer.output();
    std::string bytes;
    iovec pieces[16];
    while (!output.empty()) {
      const int count = output.FillIov(pieces, 16);
      size_t size = 0;
      for (int i = 0; i < count; ++i) {
        bytes.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
        size += pieces[i].iov_len;
      }
      output.Consume(size);
    }
    return bytes;
  }

  // The effects passed on since last asked, a line each: "0: SET k v"; units stand between "(" and ")".
  std::vector<std::string> TakeEffects() { return std::exchange(effects_, {}); }

  void AdvanceMs(int64_t ms) {
    clock.AdvanceMicros(ms * 1000);
    engine.RefreshTime();
  }

  settings::Settings settings;
  env::ManualClock clock;
  Logger log;

 private:
  struct Session {
    explicit Session(resp::ChunkPool& pool) : output(pool) {}
    resp::OutputBuffer output;
    Client* client = nullptr;
  };

  void BeginUnit() override { effects_.push_back("("); }
  void EndUnit() override { effects_.push_back(")"); }
  void Append(int database, std::span<const std::string_view> args) override {
    std::string line = std::to_string(database) + ":";
    for (std::string_view arg : args) line.append(" ").append(arg);
    effects_.push_back(line);
  }

  resp::ChunkPool pool_;
  std::deque<Session> sessions_;
  std::vector<std::string> effects_;

 public:
  Engine engine;
  Client* client;
};

}  // namespace hearth::engine
