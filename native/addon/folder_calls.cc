#include "folder_calls.h"

#include <algorithm>
#include <functional>
#include <string_view>
#include <vector>

#include "../folder_survey.h"
#include "arguments.h"
#include "disk_job.h"
#include "methods.h"

namespace sluice {
namespace {

using Info = const Napi::CallbackInfo&;

// Names with a zero between them, which no file name holds.
std::vector<std::string> names_argument(Info info, std::size_t index) {
  const std::string all = string_argument(info, index);
  std::vector<std::string> names;
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t end = std::min(all.find('\0', at), all.size());
    names.push_back(all.substr(at, end - at));
    at = end + 1;
  }
  return names;
}

// As of the segments in that log folder.
Place place_of_dir(const std::string& dir) { return std::hash<std::string_view>{}(dir) | 1; }

}  // namespace

struct FolderCalls::State {
  State(EventChannel& channel, std::shared_ptr<FramePool> pool, DiskQueue& disk) : events(channel), frames(std::move(pool)), queue(disk) {}

  EventChannel& events;
  std::shared_ptr<FramePool> frames;
  DiskQueue& queue;
  bool closed = false;

  Napi::Value survey(Info info) {
    SurveyRequest request{string_argument(info, 0), names_argument(info, 1), names_argument(info, 2)};
    const Place place = place_of_dir(request.dir);
    run_later(events, queue, Lane::Recovery, place, number_argument(info, 3), [pool = frames, request = std::move(request)](JobValues& values) {
      const std::vector<std::uint8_t> found = survey_folders(request);
      if (found.empty()) return 0;
      FrameRef frame = pool->allocate(found.size());
      if (!frame) return -ENOMEM;
      std::copy(found.begin(), found.end(), frame.data());
      values.a = static_cast<double>(frame.detach());
      return 0;
    });
    return info.Env().Undefined();
  }

  Napi::Value write(Info info) {
    const Place place = place_of_dir(string_argument(info, 0));
    const Bytes bytes = bytes_argument(info, 1);
    const bool durable = info[2].ToBoolean();
    // What waits for the disk belongs to the flushes.
    run_later(events, queue, durable ? Lane::Flush : Lane::Recovery, place, number_argument(info, 3),
              [files = std::vector<std::uint8_t>(bytes.data, bytes.data + bytes.length), durable](JobValues&) {
                return write_files(files.data(), files.size(), durable);
              });
    return info.Env().Undefined();
  }

  Napi::Value sync(Info info) {
    const Place place = place_of_dir(string_argument(info, 0));
    const auto fd = static_cast<int>(integer_argument(info, 1, 0, 2147483647.0));
    run_later(events, queue, Lane::Flush, place, number_argument(info, 2), [fd](JobValues&) { return sync_file_system(fd); });
    return info.Env().Undefined();
  }
};

FolderCalls::FolderCalls(EventChannel& events, std::shared_ptr<FramePool> frames, DiskQueue& queue)
    : state_(std::make_shared<State>(events, std::move(frames), queue)) {}

FolderCalls::~FolderCalls() { close(); }

void FolderCalls::close() {
  state_->closed = true;
  state_->frames.reset();
}

void FolderCalls::define(Napi::Env env, Napi::Object target) {
  const auto set = method_setter(env, target, state_);
  set("surveyFolders", &State::survey);
  set("writeFiles", &State::write);
  set("syncFileSystem", &State::sync);
}

}  // namespace sluice
