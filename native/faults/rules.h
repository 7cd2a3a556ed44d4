// What shall go wrong, and when. A rule is `ACTION OPERATION PATTERN FROM [COUNT]`; rules are separated by `;` or line ends.
//
//   ACTION     kill, kill-mid (half of the bytes are written), kill-after, short (half of the bytes are written, no error), hold (until the rules are replaced: a
//              sync, which has begun; a write, which has not, and to which the new rules happen), or the name of an error
//   OPERATION  create, open, write, truncate, rename, unlink, link, mkdir, rmdir, sync (fsync, fdatasync of a file), sync-folder, sync-all (syncfs), any;
//              read, which `any` does not mean, nor `open`
//   PATTERN    as a shell's, against the path below the watched folder; `*` also matches `/`. Of a rename both names count.
//   FROM       the first operation that it happens to, counted from 1 among those that match
//   COUNT      to how many (default 1); `*`: to all that follow
#pragma once

#include <string>

#include "journal.h"

namespace sluice_faults {

enum class Action { Pass, Kill, KillMid, KillAfter, Short, Hold, Fail };

struct Verdict {
  Action action = Action::Pass;
  int error = 0;
};

// Replaces all rules; what can't be understood is left out. The caller keeps calls apart.
void set_rules(const char* text);
// Rises with every `set_rules`. From any thread.
unsigned rules_version();
// Some rule is for reads: the others need not be asked about them. From any thread.
bool minds_reads();
Verdict judge(Op op, bool folder, const std::string& path, const std::string* to = nullptr);

}  // namespace sluice_faults
