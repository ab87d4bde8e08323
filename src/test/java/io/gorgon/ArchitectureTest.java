package io.gorgon;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import io.gorgon.pool.Pool;
import io.gorgon.worker.Worker;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The packages are the stops on the road of a call, and arrows point only towards the wire. */
@AnalyzeClasses(packages = "io.gorgon", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {

  @ArchTest
  static final ArchRule arrowsPointTowardsTheWire =
      layeredArchitecture()
          .consideringOnlyDependenciesInLayers()
          .layer("message")
          .definedBy("io.gorgon.message")
          .layer("wire")
          .definedBy("io.gorgon.wire")
          .layer("process")
          .definedBy("io.gorgon.process")
          .layer("connection")
          .definedBy("io.gorgon.connection")
          .layer("worker")
          .definedBy("io.gorgon.worker")
          .layer("tool")
          .definedBy("io.gorgon.tool")
          .layer("stream")
          .definedBy("io.gorgon.stream")
          .layer("pool")
          .definedBy("io.gorgon.pool")
          .layer("session")
          .definedBy("io.gorgon.session..")
          .layer("root")
          .definedBy("io.gorgon")
          .layer("dspy")
          .definedBy("io.gorgon.dspy")
          .layer("cluster")
          .definedBy("io.gorgon.cluster")
          .layer("cli")
          .definedBy("io.gorgon.cli")
          .layer("testkit")
          .definedBy("io.gorgon.testkit")
          .whereLayer("message")
          .mayNotAccessAnyLayer()
          .whereLayer("wire")
          .mayOnlyAccessLayers("message")
          .whereLayer("process")
          .mayOnlyAccessLayers("message", "wire")
          .whereLayer("connection")
          .mayOnlyAccessLayers("message", "wire", "process")
          .whereLayer("worker")
          .mayOnlyAccessLayers("message", "wire", "process", "connection")
          .whereLayer("tool")
          .mayOnlyAccessLayers("message", "wire", "worker")
          .whereLayer("stream")
          .mayOnlyAccessLayers("message", "wire", "worker")
          .whereLayer("pool")
          .mayOnlyAccessLayers("message", "wire", "process", "connection", "worker", "tool")
          .whereLayer("session")
          .mayOnlyAccessLayers("message", "wire", "worker", "pool")
          .whereLayer("dspy")
          .mayOnlyBeAccessedByLayers("cli")
          .whereLayer("dspy")
          .mayOnlyAccessLayers("message", "tool", "stream", "pool", "session", "worker", "root")
          .whereLayer("cluster")
          .mayOnlyBeAccessedByLayers("cli")
          .whereLayer("cluster")
          .mayOnlyAccessLayers(
              "message", "wire", "process", "worker", "tool", "stream", "pool", "session", "root")
          .whereLayer("cli")
          .mayNotBeAccessedByAnyLayer()
          .whereLayer("testkit")
          .mayNotBeAccessedByAnyLayer();

  @ArchTest
  static final ArchRule thereAreNoCycles =
      slices().matching("io.gorgon.(*)..").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule namesSayWhatAClassIs =
      noClasses()
          .should()
          .haveSimpleNameEndingWith("Manager")
          .orShould()
          .haveSimpleNameEndingWith("Impl")
          .orShould()
          .haveSimpleNameEndingWith("Util")
          .orShould()
          .haveSimpleNameEndingWith("Utils")
          .orShould()
          .haveSimpleNameEndingWith("Helper")
          .orShould()
          .haveSimpleNameEndingWith("Info")
          .orShould()
          .haveSimpleNameEndingWith("Processor")
          .orShould()
          .haveSimpleNameEndingWith("Wrapper");

  @ArchTest
  static final ArchRule thereAreNoMutableStatics = fields().that().areStatic().should().beFinal();

  @ArchTest
  static final ArchRule theCommandLineIsOptional =
      noClasses()
          .that()
          .resideOutsideOfPackage("io.gorgon.cli")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("picocli..", "me.tongfei..", "ch.qos.logback..");

  /** Its jars are optional: nothing else may need them to be loaded. */
  @ArchTest
  static final ArchRule theDatabaseIsOptional =
      noClasses()
          .that()
          .resideOutsideOfPackage("io.gorgon.session.durable")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "org.apache.pekko.persistence..",
              "slick..",
              "com.zaxxer..",
              "org.h2..",
              "org.postgresql..");

  /** Its jars are optional too. */
  @ArchTest
  static final ArchRule theClusterIsOptional =
      noClasses()
          .that()
          .resideOutsideOfPackages("io.gorgon.cluster", "io.gorgon.cli")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("org.apache.pekko.cluster..", "org.apache.pekko.remote..");

  /** Health checks are named in a config, and need none of it. */
  @ArchTest
  static final ArchRule oneClassNeedsTheManagement =
      noClasses()
          .that()
          .doNotHaveFullyQualifiedName("io.gorgon.cli.ManagementPort")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("org.apache.pekko.management..", "org.apache.pekko.http..");

  @ArchTest
  static final ArchRule onlyTheBenchKnowsTheDatabase =
      noClasses()
          .that()
          .resideOutsideOfPackages("io.gorgon.session.durable", "io.gorgon.cli")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("io.gorgon.session.durable");

  @ArchTest
  static final ArchRule onlyTheTestKitKnowsTestLibraries =
      noClasses()
          .that()
          .resideOutsideOfPackage("io.gorgon.testkit")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "org.junit..", "org.opentest4j..", "org.assertj..", "org.apache.pekko..testkit..");

  @ArchTest
  static final ArchRule theTestKitNeedsNothingButJUnit =
      noClasses()
          .that()
          .resideInAPackage("io.gorgon.testkit")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("org.opentest4j..", "org.assertj..", "org.apache.pekko..testkit..");

  /**
   * Where the test kit puts its own time and threads into Pekko, and where sharding's own strategy
   * is narrowed, which answers with Scala's futures, there is no other way.
   */
  @ArchTest
  static final ArchRule scalaStaysOutside =
      noClasses()
          .that()
          .haveNameNotMatching(
              "io\\.gorgon\\.(testkit\\.(HandDrivenScheduler|VirtualTime)|cluster\\.ReadyNodesFirst)(\\$.*)?")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("scala.concurrent..");

  @ArchTest
  static final ArchRule theDecisionsAreMadeWithoutActors =
      classes()
          .that()
          .haveNameMatching(
              "io\\.gorgon\\.pool\\.(PoolState|PoolBooks|Turns|Departures|Ending|Grants|Leases|Circuit"
                  + "|Starts|Size|Replacements|Workers|Asking|Slot|WaitingLine|Bindings|Restarts)(\\$.*)?")
          .should()
          .onlyDependOnClassesThat()
          .resideOutsideOfPackage("org.apache.pekko..");

  @Test
  void everyMessageHasAHandlerOfItsName() {
    assertHandlers(Pool.class, Pool.Command.class);
    assertHandlers(Worker.class, Worker.Command.class);
  }

  @ParameterizedTest
  @ValueSource(strings = {"Gate", "Desk", "SessionEntity", "Borrower", "Ear", "Leaving"})
  void everyMessageBetweenNodesHasAHandlerOfItsName(String actor) throws ClassNotFoundException {
    String name = "io.gorgon.cluster." + actor;
    assertHandlers(Class.forName(name), Class.forName(name + "$Command"));
  }

  @Test
  void aPoolOfManyNodesAnswersAllThatAPoolDoes() throws ClassNotFoundException {
    assertHandlers(Class.forName("io.gorgon.cluster.Front"), Pool.Command.class, PRIVATE);
  }

  /** What a pool says to itself. */
  private static final Predicate<Class<?>> PRIVATE =
      message -> Modifier.isPrivate(message.getModifiers());

  private static void assertHandlers(Class<?> actor, Class<?> protocol) {
    assertHandlers(actor, protocol, message -> false);
  }

  private static void assertHandlers(
      Class<?> actor, Class<?> protocol, Predicate<Class<?>> exempt) {
    Set<String> handlers =
        Arrays.stream(actor.getDeclaredMethods())
            .map(method -> method.getName())
            .collect(Collectors.toSet());
    for (Class<?> message : protocol.getPermittedSubclasses()) {
      if (exempt.test(message)) {
        continue;
      }
      String handler = "on" + message.getSimpleName();
      assertThat(handlers.stream().anyMatch(name -> name.startsWith(handler)))
          .as(actor.getSimpleName() + " handles " + message.getSimpleName())
          .isTrue();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"src/main/java", "src/test/java"})
  void nothingWaitsBySleeping(String root) throws java.io.IOException {
    try (var files = java.nio.file.Files.walk(java.nio.file.Path.of(root))) {
      for (var file : files.filter(path -> path.toString().endsWith(".java")).toList()) {
        assertThat(java.nio.file.Files.readString(file))
            .as(file.toString())
            .doesNotContain("Thread." + "sleep(");
      }
    }
  }
}
