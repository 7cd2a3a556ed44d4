#undef _FILE_OFFSET_BITS
#include "rules.h"

#include <fnmatch.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <sstream>
#include <vector>

namespace sluice_faults {
namespace {

struct Rule {
  Action action = Action::Pass;
  int error = 0;
  std::string operation;
  std::string pattern;
  long from = 1;
  long count = 1;
  long seen = 0;
};

std::vector<Rule>& rules() {
  static std::vector<Rule> all;
  return all;
}

std::atomic<bool> reads_minded = false;
std::atomic<unsigned> version = 0;

int error_of(const std::string& name) {
  const std::pair<const char*, int> known[] = {{"EIO", EIO},       {"ENOSPC", ENOSPC}, {"EDQUOT", EDQUOT}, {"EROFS", EROFS},
                                               {"EMFILE", EMFILE}, {"ENOMEM", ENOMEM}, {"EACCES", EACCES}, {"EAGAIN", EAGAIN}};
  for (const auto& [each, error] : known)
    if (name == each) return error;
  return 0;
}

bool parse(const std::string& text, Rule& rule) {
  std::istringstream words(text);
  std::string action;
  std::string from;
  std::string count;
  if (!(words >> action >> rule.operation >> rule.pattern >> from)) return false;
  rule.error = error_of(action);
  if (action == "kill") rule.action = Action::Kill;
  else if (action == "kill-mid") rule.action = Action::KillMid;
  else if (action == "kill-after") rule.action = Action::KillAfter;
  else if (action == "short") rule.action = Action::Short;
  else if (action == "hold") rule.action = Action::Hold;
  else if (rule.error != 0) rule.action = Action::Fail;
  else return false;
  rule.from = std::atol(from.c_str());
  if (words >> count) rule.count = count == "*" ? LONG_MAX : std::atol(count.c_str());
  return true;
}

const char* name_of(Op op, bool folder) {
  switch (op) {
    case Op::Create: return "create";
    case Op::Open: return "open";
    case Op::Write: return "write";
    case Op::Truncate: return "truncate";
    case Op::Rename: return "rename";
    case Op::Unlink: return "unlink";
    case Op::Link: return "link";
    case Op::MakeFolder: return "mkdir";
    case Op::RemoveFolder: return "rmdir";
    case Op::SyncBegin: return folder ? "sync-folder" : "sync";
    case Op::SyncAll: return "sync-all";
    case Op::Read: return "read";
    default: return "";
  }
}

}  // namespace

void set_rules(const char* text) {
  rules().clear();
  std::string all = text == nullptr ? "" : text;
  for (char& each : all)
    if (each == '\n') each = ';';
  std::istringstream lines(all);
  for (std::string line; std::getline(lines, line, ';');) {
    Rule rule;
    if (parse(line, rule)) rules().push_back(rule);
  }
  bool reads = false;
  for (const Rule& rule : rules()) reads |= rule.operation == "read";
  reads_minded = reads;
  version++;
}

unsigned rules_version() { return version; }

bool minds_reads() { return reads_minded; }

Verdict judge(Op op, bool folder, const std::string& path, const std::string* to) {
  Verdict verdict;
  for (Rule& rule : rules()) {
    if (rule.operation != name_of(op, folder) && (rule.operation != "any" || op == Op::Open || op == Op::Read)) continue;
    if (fnmatch(rule.pattern.c_str(), path.c_str(), 0) != 0 && (to == nullptr || fnmatch(rule.pattern.c_str(), to->c_str(), 0) != 0)) continue;
    rule.seen++;
    if (verdict.action == Action::Pass && rule.seen >= rule.from && rule.seen - rule.from < rule.count) verdict = {rule.action, rule.error};
  }
  return verdict;
}

}  // namespace sluice_faults
