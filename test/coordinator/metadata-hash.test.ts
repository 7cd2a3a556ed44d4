/** The hash of a group's topics is that of Apache Kafka. All vectors were made with the library that it uses (hash4j 0.22, XXH3 64). */
import { Buffer } from 'node:buffer'
import test from 'ava'
import { groupHash, topicHash } from '../../src/coordinator/group/metadata-hash.js'
import { xxh3 } from '../../src/coordinator/group/xxh3.js'

/** Length of the input and hash; byte i of the input is 131 i + 17 (i >> 8) + 3. */
const vectors: readonly (readonly [number, bigint])[] = [
  [0, 3244421341483603138n],
  [1, 1433843135270481901n],
  [2, 11688592712908773879n],
  [3, 10901680259175559848n],
  [4, 15365200893589140781n],
  [5, 3921211107006775598n],
  [7, 15638500235420238505n],
  [8, 15337541539034027004n],
  [9, 15491785169992979402n],
  [12, 5140173356226679144n],
  [15, 389711962506129385n],
  [16, 14575680399872153023n],
  [17, 210657705833154699n],
  [31, 5220107923938083488n],
  [32, 15405501451396100737n],
  [33, 1693293241537568928n],
  [63, 7697055921288422556n],
  [64, 4023826063013923388n],
  [65, 18395176532468288274n],
  [96, 17234620637414720860n],
  [97, 3443918739385095191n],
  [127, 6851075334124194874n],
  [128, 11996151499181099062n],
  [129, 18114192819539430996n],
  [130, 4414494373415269562n],
  [143, 14643819955850104503n],
  [144, 16783069220104987075n],
  [160, 9965169572592575501n],
  [200, 4738162505449969152n],
  [239, 4692132346875608445n],
  [240, 2596330801341137525n],
  [241, 17249643877215567362n],
  [255, 13603809301237702631n],
  [256, 5980486882724726924n],
  [257, 9696924663397366748n],
  [320, 17053897773054638115n],
  [511, 909797729247017711n],
  [512, 9643270960543191704n],
  [1023, 9426512233503324280n],
  [1024, 17527662201088612628n],
  [1025, 2246237922268554841n],
  [1087, 15485403152398796525n],
  [1088, 14485152221736248379n],
  [1089, 15287256897409122693n],
  [2048, 4411392697678612986n],
  [2049, 8346802595966476880n],
  [5000, 18339659515098167924n],
  [70000, 8700508644006543446n]
]

test('XXH3 of inputs of all kinds of length', (t) => {
  for (const [length, hash] of vectors) {
    t.is(xxh3(Buffer.from(Uint8Array.from({ length }, (_, i) => i * 131 + (i >> 8) * 17 + 3))), hash, String(length))
  }
})

test("topics and groups have the hashes of Kafka's coordinator", (t) => {
  const foo = topicHash({ name: 'foo', id: 'AAECAwQFBgcICQoLDA0ODw', racks: [[], []] })
  const bar = topicHash({ name: 'bar.b\u00e4r', id: '-_8CAwQFBgcICQoLDA0ODw', racks: [['rack-b', 'rack-a', 'rack-a'], ['r'], []] })
  const racks = Array.from({ length: 500 }, (_, i) => [`rack-${i % 3}`])
  const many = topicHash({ name: 'many', id: 'AAECAwQFBgcICQoLDA0ODw', racks })
  t.deepEqual([foo, bar, many], [3131064573522492131n, -1909773599843739176n, -2002100703059822905n])
  // In the order of the names.
  t.is(groupHash([bar, foo, many]), 6562742551880896854n)
  t.is(groupHash([foo]), -8972766095302143430n)
  t.is(groupHash([]), 0n)
})
