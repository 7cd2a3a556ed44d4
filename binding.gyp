{
  'targets': [
    {
      'target_name': 'sluice',
      'sources': ["<!@(ls native/*.cc native/addon/*.cc)"],
      'defines': ['NAPI_VERSION=9', 'NAPI_DISABLE_CPP_EXCEPTIONS', 'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS', '_FILE_OFFSET_BITS=64'],
      # UNTHROWABLE: a worker that is being terminated refuses every call; without it node-addon-api ends the process.
      # -Wno-restrict: GCC 12 warns of its own std::string (GCC bug 105651).
      # C++ exceptions are used inside and turned into JavaScript ones at the boundary; Node-API itself never throws.
      'cflags!': ['-fno-exceptions'],
      'cflags_cc!': ['-fno-exceptions', '-fno-rtti', '-std=gnu++17'],
      'cflags_cc': [
        '-std=c++20', '-O3', '-fexceptions', '-Wall', '-Wextra', '-Werror', '-Wno-missing-field-initializers', '-Wno-restrict',
        '-fvisibility=hidden', '-isystem', "<!(node -p \"path.dirname(require.resolve('node-addon-api/package.json'))\")"
      ],
      'ldflags': ['-pthread']
    },
    {
      # Preloaded by `sluice verify-crash` and the crash tests: not an addon, so not called one, and never loaded by the broker.
      'target_name': 'sluice_faults',
      'type': 'shared_library',
      'product_prefix': '',
      'product_dir': '<(PRODUCT_DIR)',
      'sources': ["<!@(ls native/faults/*.cc)"],
      'cflags_cc!': ['-std=gnu++17'],
      'cflags_cc': ['-std=c++20', '-O2', '-Wall', '-Wextra', '-Werror', '-Wno-missing-field-initializers', '-fvisibility=hidden']
    }
  ]
}
