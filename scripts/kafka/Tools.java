// Runs several of Apache Kafka's command-line tools in one JVM, because starting one takes longer than most of what they do:
//   java -cp 'jars/*' scripts/kafka/Tools.java
// Standard input: a tool a line, the name of its class and its arguments, parted by tabs. Standard output: a line for each, its exit code and
// what it wrote to both of its outputs, in base64, parted by a tab.
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.util.Arrays;
import java.util.Base64;
import org.apache.kafka.common.utils.Exit;

public class Tools {
  /** Thrown where a tool ends the process. Some catch it, and end it again: the first code is the one that counts. */
  static class Ended extends Error {
    Ended() {
      super("", null, false, false);
    }
  }

  static Integer ended;

  public static void main(String[] none) throws Exception {
    PrintStream answers = System.out;
    Exit.setExitProcedure((code, message) -> {
      if (message != null) System.err.println(message);
      if (ended == null) ended = code;
      throw new Ended();
    });
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      ByteArrayOutputStream written = new ByteArrayOutputStream();
      PrintStream both = new PrintStream(written, true);
      System.setOut(both);
      System.setErr(both);
      ended = null;
      String[] words = line.split("\t", -1);
      // Tools in Scala have outputs of their own.
      int code = (Integer) scala.Console.withOut(both, () -> scala.Console.withErr(both, () -> run(words)));
      both.flush();
      answers.println(code + "\t" + Base64.getEncoder().encodeToString(written.toByteArray()));
      answers.flush();
    }
    // Threads of clients that a tool has left behind must not hold the process up.
    Runtime.getRuntime().halt(0);
  }

  static int run(String[] words) {
    try {
      Class<?> tool = Class.forName(words[0]);
      tool.getMethod("main", String[].class).invoke(null, (Object) Arrays.copyOfRange(words, 1, words.length));
    } catch (InvocationTargetException failed) {
      if (ended == null) {
        failed.getCause().printStackTrace();
        return 1;
      }
    } catch (ReflectiveOperationException missing) {
      missing.printStackTrace();
      return 1;
    }
    return ended == null ? 0 : ended;
  }
}
