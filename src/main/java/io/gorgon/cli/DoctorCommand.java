package io.gorgon.cli;

import com.typesafe.config.Config;
import io.gorgon.cluster.SharedStore;
import io.gorgon.connection.SharedMemory;
import io.gorgon.message.Call;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.InvalidSettings;
import io.gorgon.message.Values;
import io.gorgon.pool.PoolSettings;
import io.gorgon.process.Interpreter;
import io.gorgon.process.Keeper;
import io.gorgon.process.PythonDescription;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Looks at everything that a pool needs and says what is wrong, with the remedy. */
@Command(
    name = "doctor",
    mixinStandardHelpOptions = true,
    description = "Looks at what a pool needs of this machine; each problem comes with its remedy.")
@SuppressWarnings("NullAway.Init")
final class DoctorCommand implements Callable<Integer> {

  private static final int FEWEST_OPEN_FILES = 1_024;
  private static final int PINGS = 200;

  @Mixin PoolOptions options;

  @Spec CommandSpec spec;

  @Option(names = "--json", description = "print one JSON object instead of lines")
  boolean json;

  private record Finding(String what, String value, String remedy) {
    boolean isProblem() {
      return !remedy.isEmpty();
    }
  }

  private final List<Finding> findings = new ArrayList<>();

  @Override
  public Integer call() throws IOException {
    good("jdk", System.getProperty("java.vendor") + " " + Runtime.version());
    good("system", System.getProperty("os.name") + " " + System.getProperty("os.arch"));
    Config whole = options.whole();
    PoolSettings settings = options.settings(whole, Map.of());
    lookAtLimits();
    if (whole.getString("pekko.actor.provider").equals("cluster")) {
      lookAtCluster(whole);
    }
    try {
      Interpreter interpreter = Interpreter.find(settings.python());
      good("interpreter", interpreter.path() + " (" + interpreter.reason() + ")");
      lookAtKeeper(settings);
      tryACall();
    } catch (PythonFailure failure) {
      bad("python", failure.name(), String.valueOf(failure.getMessage()));
    }
    print(spec.commandLine().getOut());
    boolean healthy = findings.stream().noneMatch(Finding::isProblem);
    return (healthy ? ExitCode.OK : ExitCode.UNHEALTHY).number();
  }

  private void lookAtKeeper(PoolSettings settings) {
    var keeper = new Keeper("doctor", settings.python(), settings.worker().startTimeout(), 0);
    try {
      PythonDescription python = keeper.describe();
      good("python", python.implementation() + " " + python.version());
      good("virtual environment", python.isVirtual() ? python.prefix() : "none");
      good("bridge", "unpacked and running");
      feature("fork", python.forks(), "workers start as fresh interpreters, which takes longer");
      feature(
          "preload in a template",
          python.hasTemplates(),
          "each worker imports the modules of 'preload' itself, which takes longer; use Linux");
      String refusal = SharedMemory.probe(keeper);
      feature(
          "shared memory",
          refusal.isEmpty(),
          "large arrays travel through the socket, which is slower (" + refusal + ")");
      feature(
          "children of dead workers",
          python.subreaper(),
          "children that left their worker's group are ended with the pool only; use Linux");
      feature(
          "workers end with their keeper",
          python.deathSignal(),
          "give the interpreter its ctypes module, or use Linux");
    } finally {
      keeper.close();
      keeper.awaitClosed();
    }
  }

  /** What one JVM may have for itself, and a cluster may not. */
  private void lookAtCluster(Config whole) {
    for (String name : new TreeSet<>(whole.getObject("gorgon.pools").keySet())) {
      PoolSettings pool = PoolSettings.from(name, whole);
      String what = "pool " + name + " in a cluster";
      try {
        SharedStore.check(pool, whole);
        new ShutdownPhases(whole).check(pool);
        String sessions =
            SharedStore.problem(pool).isPresent()
                ? "no sessions, for session.store is memory"
                : "sessions in " + pool.session().store();
        good(what, sessions + "; drains within its phase");
      } catch (InvalidSettings wrong) {
        bad(what, wrong.key(), String.valueOf(wrong.getMessage()));
      }
    }
  }

  private void feature(String what, boolean there, String otherwise) {
    findings.add(new Finding(what, there ? "yes" : "no", there ? "" : otherwise));
  }

  private void lookAtLimits() throws IOException {
    Path temporary = Path.of(System.getProperty("java.io.tmpdir", "/tmp"));
    if (Files.isWritable(temporary)) {
      good("private directory", "under " + temporary);
    } else {
      bad("private directory", temporary + " cannot be written", "set -Djava.io.tmpdir");
    }
    Path limits = Path.of("/proc/self/limits");
    if (Files.isReadable(limits)) {
      for (String line : Files.readAllLines(limits)) {
        if (line.startsWith("Max open files")) {
          lookAtOpenFiles(line.substring("Max open files".length()).strip().split("\\s+", -1)[0]);
        }
      }
    }
    Path memory = Path.of("/dev/shm");
    if (Files.isDirectory(memory)) {
      good("/dev/shm", Files.getFileStore(memory).getUsableSpace() / (1 << 20) + " MiB free");
    } else {
      good("/dev/shm", "none; Python's multiprocessing wants it, Gorgon does not");
    }
  }

  private void lookAtOpenFiles(String limit) {
    boolean few = !limit.equals("unlimited") && Long.parseLong(limit) < FEWEST_OPEN_FILES;
    findings.add(
        new Finding("open files", limit, few ? "raise it: ulimit -n " + FEWEST_OPEN_FILES : ""));
  }

  private void tryACall() {
    try (var running = new CommandPool(options, Map.of("min-workers", 1, "max-workers", 1))) {
      running.await(running.pool().call(Call.of("math:sqrt", 16)));
      long began = System.nanoTime();
      for (int i = 0; i < PINGS; i++) {
        running.await(running.pool().call(Call.of("math:sqrt", 16)));
      }
      long each = (System.nanoTime() - began) / PINGS;
      good("a call", TimeUnit.NANOSECONDS.toMicros(each) + " us, there and back");
    }
  }

  private void good(String what, String value) {
    findings.add(new Finding(what, value, ""));
  }

  private void bad(String what, String value, String remedy) {
    findings.add(new Finding(what, value, remedy));
  }

  private void print(PrintWriter out) throws IOException {
    if (json) {
      Map<String, Object> all = new LinkedHashMap<>();
      findings.forEach(
          finding ->
              all.put(
                  finding.what(),
                  finding.isProblem()
                      ? Map.of("found", finding.value(), "remedy", finding.remedy())
                      : Map.of("found", finding.value())));
      out.println(Values.mapper().writeValueAsString(all));
    } else {
      for (Finding finding : findings) {
        out.printf(
            "%-9s %-31s %s%n",
            finding.isProblem() ? "PROBLEM" : "ok", finding.what(), finding.value());
        if (finding.isProblem()) {
          out.printf("%-9s %-31s -> %s%n", "", "", finding.remedy());
        }
      }
    }
    out.flush();
  }
}
