package io.gorgon.scoreboard;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * A {@link ProofNode} in a JVM of its own, as those see it that started it.
 *
 * @param name tells it from all others, its predecessors included
 * @param host its loopback address
 * @param address by which the cluster knows it
 * @param log what it has to say besides its answers
 */
record NodeProcess(
    String name,
    String host,
    String address,
    Process jvm,
    BlockingQueue<String> answers,
    Path log) {

  private static final String VARIABLE = "GORGON_PROOF_NODE";

  static NodeProcess start(String name, String host, String address, String settings) {
    try {
      Path directory = Files.createDirectories(Path.of("target", "cluster-proof"));
      Path file = Files.writeString(directory.resolve(name + ".conf"), settings);
      Path log = directory.resolve(name + ".log");
      var builder =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-Xmx192m",
                  "-XX:TieredStopAtLevel=1",
                  "-XX:+UseSerialGC",
                  "-Dlogback.configurationFile=io/gorgon/scoreboard/node-logback.xml",
                  "-cp",
                  System.getProperty("java.class.path"),
                  ProofNode.class.getName(),
                  file.toString())
              .redirectError(log.toFile());
      builder.environment().put(VARIABLE, name);
      Process jvm = builder.start();
      var node = new NodeProcess(name, host, address, jvm, new LinkedBlockingQueue<>(), log);
      var reader = new Thread(node::read, "answers-" + name);
      reader.setDaemon(true);
      reader.start();
      return node;
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  private void read() {
    try (var lines =
        new BufferedReader(new InputStreamReader(jvm.getInputStream(), StandardCharsets.UTF_8))) {
      lines.lines().forEach(answers::add);
    } catch (IOException | UncheckedIOException gone) {
      // so is the node
    }
  }

  /** Its next answer that begins so. */
  String await(String beginning) {
    try {
      long patience = System.nanoTime() + TimeUnit.MINUTES.toNanos(2);
      while (System.nanoTime() < patience && (jvm.isAlive() || !answers.isEmpty())) {
        String answer = answers.poll(100, TimeUnit.MILLISECONDS);
        if (answer != null && answer.startsWith(beginning)) {
          return answer;
        }
      }
      throw new AssertionError(name + " did not say '" + beginning + "', see " + log);
    } catch (InterruptedException never) {
      throw new AssertionError(never);
    }
  }

  void tell(String command) {
    try {
      jvm.getOutputStream().write((command + "\n").getBytes(StandardCharsets.UTF_8));
      jvm.getOutputStream().flush();
    } catch (IOException gone) {
      throw new UncheckedIOException(gone);
    }
  }

  /** {@code kill -9}. */
  void kill() {
    jvm.destroyForcibly();
    awaitEnd(10);
  }

  /** SIGTERM, and its commands go on: the end of those would end it at once. */
  void leave() {
    jvm.toHandle().destroy();
  }

  /** Whether it has ended by then. */
  boolean awaitEnd(int seconds) {
    try {
      return jvm.waitFor(seconds, TimeUnit.SECONDS);
    } catch (InterruptedException never) {
      throw new AssertionError(never);
    }
  }

  /** The processes that it left behind, after the second that they have. */
  long orphans() {
    return ProcessTable.awaitNoCarriers(VARIABLE + "=" + name, TimeUnit.SECONDS.toNanos(1));
  }

  /** Lines of its log that contain such a text. */
  List<String> logged(String text) {
    try (var lines = Files.lines(log)) {
      return lines.filter(line -> line.contains(text)).toList();
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }
}
