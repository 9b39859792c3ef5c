// Sentinel's decisions, as a pure machine: it is told what has happened (messages.h) and says what to do. It
// watches primaries, finds their replicas and the other Sentinels, agrees with those that a primary is down,
// elects one of them to lead a failover, and carries it out. No clock, socket, file, log or random source of
// its own.
//
// The carrier (sentinel/) gives it one input at a time and carries out the effects in their order. Requests
// of clients are methods: their effects are to be carried out before the answer leaves.
//
// Any one thread.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/prng.h"
#include "base/result.h"
#include "sentinel/core/hello.h"
#include "sentinel/core/info_report.h"
#include "sentinel/core/instance.h"
#include "sentinel/core/messages.h"
#include "sentinel/core/promises.h"
#include "sentinel/core/scripts.h"
#include "sentinel/core/settings.h"

namespace hearth::sentinel {

class Machine {
 public:
  struct Options {
    std::string my_id;  // 40 hexadecimal digits; empty: one is made of the seed, unless the state names one
    uint64_t seed;
    Globals globals;
  };
  Machine(Options options, Now now);

  // ---- state on disk

  // One directive of the configuration file, without the word "sentinel": {"monitor", "mymaster", ...}. Also
  // those of older versions. The error says what is wrong with it.
  Status Load(const std::vector<std::string>& words, Now now);
  // After the last directive and before the first step.
  Status FinishLoading(Now now, Effects& effects);
  // The state as directives, with the word "sentinel" and quoted as the file wants it.
  std::vector<std::string> StateLines() const;

  // ---- events

  void Step(Now now, const Input& input, Effects& effects);
  // When a Tick is due at the latest.
  int64_t next_wakeup_ms() const { return next_wakeup_ms_; }

  // ---- requests of other Sentinels and of operators; errors are the texts of error replies

  Vote AnswerVote(Now now, const Address& primary, uint64_t epoch, std::string_view candidate,
                  Effects& effects);
  Status Monitor(Now now, const std::string& name, const Address& address, int quorum, Effects& effects);
  Status Remove(Now now, std::string_view name, Effects& effects);
  // SENTINEL SET: option, value(s), option, ...; all or none.
  Status Set(Now now, std::string_view name, const std::vector<std::string>& words, Effects& effects);
  // How many primaries the pattern matched.
  int64_t Reset(Now now, std::string_view pattern, Effects& effects);
  // Begins without agreement that the primary is down.
  // With `ignores_promises` even if promised writes may be lost by it.
  Status Failover(Now now, std::string_view name, Effects& effects, bool ignores_promises = false);
  // +OK text or the error.
  Result<std::string> CheckQuorum(std::string_view name) const;
  // SENTINEL CONFIG SET and GET.
  Status SetGlobals(Now now, const std::vector<std::string>& words, Effects& effects);
  std::vector<std::pair<std::string, std::string>> GetGlobals(std::string_view pattern) const;
  // SENTINEL DEBUG.
  Status SetTiming(const std::vector<std::string>& words);
  std::vector<std::pair<std::string, std::string>> GetTiming() const;
  void SimulateFailure(bool after_election, bool after_promotion);
  // Lines of SENTINEL EXPLAIN: could a failover succeed now, and why not.
  Result<std::vector<std::string>> Explain(Now now, std::string_view name) const;

  // ---- what can be seen

  const std::string& my_id() const { return my_id_; }
  uint64_t current_epoch() const { return current_epoch_; }
  bool is_in_tilt() const { return is_in_tilt_; }
  int64_t tilt_since_ms() const { return tilt_since_ms_; }  // -1 if not in TILT
  const Globals& globals() const { return globals_; }
  const Timing& timing() const { return timing_; }
  const std::map<std::string, Primary, std::less<>>& primaries() const { return primaries_; }
  // Where clients are to find the primary: during a failover's end that is the promoted replica already.
  std::optional<Address> CurrentAddress(std::string_view name) const;
  struct PendingScript {
    std::vector<std::string> words;
    bool is_running;
    int64_t since_or_at_ms;  // running since, or to be run at
    int tries;
    uint64_t script;  // as in effect::RunScript; 0 if it was never started
  };
  std::vector<PendingScript> PendingScripts() const;
  size_t running_script_count() const { return scripts_.running_count(); }

 private:
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
  // One call: its moment, where its effects go, and the earliest of the deadlines that were met on the way.
  // Every rule that waits for a time asks Due, so that none can be forgotten when the next alarm is set.
  struct Turn {
    int64_t ms;
    int64_t wall_ms;
    Effects& effects;
    int64_t wakeup_ms = kNever;
    bool is_changed = false;  // something that other rules look at: they are to be gone through once more
    bool is_saved = false;

    bool Due(int64_t at_ms) {
      if (ms >= at_ms) return true;
      wakeup_ms = wakeup_ms < at_ms ? wakeup_ms : at_ms;
      return false;
    }
  };
  // Whose link it is.
  struct Wire {
    std::shared_ptr<Link> link;
    bool is_subscription;
    Kind kind;
    std::string primary;
    std::string instance;
    bool is_probe = false;
  };
  using Level = effect::Event::Level;

  // machine.cc: one turn from its begin to its end
  Turn Begin(Now now, Effects& effects);
  void End(Turn& turn);
  void Pass(Turn& turn);
  void PassOver(Turn& turn, Primary& primary);
  void RunScripts(Turn& turn);
  void On(Turn& turn, const input::Tick& input);
  void On(Turn& turn, const input::LinkOpened& input);
  void On(Turn& turn, const input::LinkEnded& input);
  void On(Turn& turn, const input::Replied& input);
  void On(Turn& turn, const input::Message& input);
  void On(Turn& turn, const input::Hello& input);
  void On(Turn& turn, const input::Resolved& input);
  void On(Turn& turn, const input::ScriptEnded& input);
  Primary* FindPrimary(std::string_view name);
  const Primary* FindPrimary(std::string_view name) const;
  Instance* FindInstance(const Wire& wire);

  // events.cc: what is told, saved and run
  static std::string Describe(const Primary& primary, const Instance& instance);
  void Tell(Turn& turn, Primary& primary, Level level, std::string name, std::string text);
  void Tell(Turn& turn, Primary& primary, const Instance& instance, Level level, std::string name,
            std::string_view more = {});
  void Log(Turn& turn, Level level, std::string text);
  void Save(Turn& turn);
  void RunReconfigScript(Turn& turn, const Primary& primary, std::string_view role, const Address& from,
                         const Address& to);
  void BeginStory(Turn& turn, Primary& primary);
  void EndStory(Turn& turn, Primary& primary, std::string outcome, const Address& to = {});
  void DropStory(Primary& primary);
  static HistoryEntry* Story(Primary& primary);

  // links.cc: connections, and what goes over them
  void KeepLinked(Turn& turn, Primary& primary, Instance& instance);
  void KeepTalking(Turn& turn, Primary& primary, Instance& instance);
  void OpenLink(Turn& turn, Primary& primary, Instance& instance, bool is_subscription);
  void CloseLink(Turn& turn, Link& link, bool is_subscription);
  void DropLink(Turn& turn, Instance& instance);
  void DropSilentLinks(Turn& turn, const Primary& primary, Instance& instance);
  void LoseLink(Turn& turn, Link& link, bool is_subscription, const input::LinkEnded& input);
  std::vector<std::vector<std::string>> LinkSetup(const Primary& primary, const Instance& instance,
                                                  std::string_view purpose) const;
  int64_t PingPeriod(const Instance& instance) const;
  int64_t InfoPeriod(const Primary& primary, const Instance& instance) const;
  void Send(Turn& turn, const Primary& primary, Instance& instance, std::vector<std::string> command,
            Awaited::What what);
  void SendPing(Turn& turn, const Primary& primary, Instance& instance);
  void SendInfo(Turn& turn, const Primary& primary, Instance& instance);
  void SendHello(Turn& turn, const Primary& primary, Instance& instance);
  void SendFollow(Turn& turn, const Primary& primary, Instance& instance, const Address* whom);
  void SayHelloToAll(Turn& turn, Primary& primary);
  void OnPong(Turn& turn, const Wire& wire, const Reply& reply);

  // probes.cc: whether a server that is silent is at work
  void KeepProbed(Turn& turn, Primary& primary, Instance& instance);
  void OpenProbe(Turn& turn, const Primary& primary, const Instance& instance);
  void CloseProbe(Turn& turn, Probe& probe);
  void LoseProbe(Turn& turn, Probe& probe, const input::LinkEnded& input);
  void TakeProbe(Turn& turn, Probe& probe, const Reply& reply);
  static int64_t BusyUntil(const Primary& primary, const Instance& instance);
  static std::string ExplainProbes(const Primary& primary, int64_t now_ms);

  // discovery.cc: what INFO and hellos teach
  Instance MakeInstance(const Turn& turn, const Primary& primary, Kind kind, std::string name,
                        const Address& address) const;
  Instance* AddReplica(const Turn& turn, Primary& primary, const Address& address);
  Instance* AddSentinel(const Turn& turn, Primary& primary, const Address& address,
                        const std::string& run_id);
  void RemoveSentinel(Turn& turn, Primary& primary, const std::string& run_id);
  void TakeInfo(Turn& turn, Primary& primary, Instance& instance, const std::string& text);
  void TakeRunId(Turn& turn, Primary& primary, Instance& instance, const InfoReport& report);
  void TakeRole(Turn& turn, Primary& primary, Instance& instance, const InfoReport& report);
  void TakeReplicaFields(Turn& turn, Instance& instance, const InfoReport& report);
  void TakeHello(Turn& turn, const HelloMessage& hello);
  void MeetSentinel(Turn& turn, Primary& primary, const HelloMessage& hello);
  void TakeConfiguration(Turn& turn, Primary& primary, Instance& sentinel, const HelloMessage& hello);
  void SettleConflict(Turn& turn, Primary& primary, Instance& sentinel, const HelloMessage& hello);
  int Supporters(Turn& turn, const Primary& primary, const Address& address) const;
  void SwitchAddress(Turn& turn, Primary& primary, const Address& address);
  void ResetPrimary(Turn& turn, Primary& primary, bool forgets_sentinels);
  void ForgetDead(Turn& turn, Primary& primary);
  bool SameAddress(const Address& a, const Address& b) const;
  std::string AnnouncedHost(const std::string& host) const;
  void AskName(Turn& turn, const std::string& host);

  // health.cc: who is down, who follows whom
  void JudgeInstance(Turn& turn, Primary& primary, Instance& instance);
  int64_t DownAt(const Primary& primary, const Instance& instance) const;
  void JudgePrimary(Turn& turn, Primary& primary);
  void AskOpinions(Turn& turn, Primary& primary);
  void TakeOpinion(Turn& turn, const Awaited& awaited, const Reply& reply);
  void CorrectReplica(Turn& turn, Primary& primary, Instance& replica);
  bool LooksSane(Turn& turn, const Primary& primary) const;
  bool IsConfirmed(Turn& turn, const Primary& primary) const;

  // votes.cc: epochs and elections
  void RaiseEpoch(Turn& turn, Primary& primary, uint64_t epoch);
  void VoteFor(Turn& turn, Primary& primary, const std::string& candidate, uint64_t epoch);
  int64_t ElectionDelay(const Primary& primary);
  int Majority(const Primary& primary) const;
  int ReachableVoters(const Primary& primary) const;
  struct Tally {
    int ours = 0;
    int best_of_others = 0;
    int open = 0;  // reachable Sentinels that have not answered
  };
  Tally CountVotes(const Primary& primary) const;
  int NeededVotes(const Primary& primary) const;
  void StartFailoverIfDue(Turn& turn, Primary& primary);
  void StartFailover(Turn& turn, Primary& primary);
  void RunElection(Turn& turn, Primary& primary);
  void LoseElection(Turn& turn, Primary& primary, const Tally& tally, bool is_split);

  // failover.cc: the phases after the election
  void RunFailover(Turn& turn, Primary& primary);
  void EnterPhase(Turn& turn, Primary& primary, FailoverState state);
  Instance* Promoted(Primary& primary);
  std::string WhyNotEligible(const Turn& turn, const Primary& primary, const Instance& replica) const;
  const Instance* SelectReplica(const Turn& turn, const Primary& primary) const;
  void SelectPhase(Turn& turn, Primary& primary);
  void PromotePhase(Turn& turn, Primary& primary);
  void AwaitPromotionPhase(Turn& turn, Primary& primary);
  void FinishPromotion(Turn& turn, Primary& primary, Instance& promoted);
  void ReconfigurePhase(Turn& turn, Primary& primary);
  void FollowReconfiguration(Turn& turn, Primary& primary, Instance& replica);
  void EndReconfiguration(Turn& turn, Primary& primary, bool is_timeout);
  void AbortFailover(Turn& turn, Primary& primary, std::string event, std::string why);

  // promises.cc: promised writes
  Promises LookAtPromises(const Turn& turn, const Primary& primary, uint64_t fenced_epoch) const;
  const Instance* SelectHolder(const Turn& turn, const Primary& primary, const Promises& promises) const;
  bool CouldPromote(const Turn& turn, const Primary& primary) const;
  bool FenceReplicas(Turn& turn, Primary& primary);
  void PromisedSelectPhase(Turn& turn, Primary& primary);
  void Choose(Turn& turn, Primary& primary, const Instance& chosen);
  void FailToChoose(Turn& turn, Primary& primary, std::string why);
  void ConfirmPrimary(Turn& turn, Primary& primary);
  const Instance* PromotedByOthers(const Primary& primary) const;
  bool IsFenceLeftBehind(Turn& turn, const Primary& primary) const;
  void Release(Turn& turn, Primary& primary, Instance& replica);
  void TakeHearthFields(Turn& turn, Primary& primary, Instance& instance, const InfoReport& report);
  void TellReplaced(Turn& turn, Primary& primary, Instance& former);
  void ExplainPromises(const Turn& turn, const Primary& primary, std::vector<std::string>& lines) const;

  // state.cc, settings.cc
  Status LoadGlobal(const std::vector<std::string>& words);
  Status LoadMonitor(const std::vector<std::string>& words, Now now);
  Status LoadOfPrimary(Primary& primary, const std::vector<std::string>& words, Now now);
  Status CheckAddress(const Address& address) const;
  Status ChangeSetting(PrimarySettings& settings, const std::string& option,
                       const std::vector<std::string>& values) const;
  static void SpreadSettings(Primary& primary);
  static bool ChangeGlobal(Globals& globals, std::string_view option, const std::string& value);
  void AddLinesOf(const Primary& primary, std::vector<std::string>& lines) const;
  Primary& AddPrimary(const Turn& turn, const std::string& name, const Address& address, int quorum);

  std::string my_id_;
  bool id_is_new_ = false;  // and not on disk yet
  uint64_t current_epoch_ = 0;
  bool is_in_tilt_ = false;
  int64_t tilt_since_ms_ = -1;
  int64_t next_wakeup_ms_ = 0;
  int64_t last_turn_ms_ = -1;
  bool crashes_after_election_ = false;
  bool crashes_after_promotion_ = false;
  LinkId last_link_ = 0;
  Prng random_;
  Globals globals_;
  Timing timing_;
  Scripts scripts_;
  std::map<LinkId, Wire> wires_;
  std::map<std::string, std::string> numbers_of_names_;  // host name -> its number
  std::map<std::string, Primary, std::less<>> primaries_;
};

}  // namespace hearth::sentinel
