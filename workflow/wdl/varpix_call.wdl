version 1.0

# varpix call as a WDL task, with the inputs and outputs of DeepVariant's tasks, and a workflow that runs it.

task varpix_call {
  meta {
    description: "Calls germline small variants of one sample: BAM or CRAM in, VCF and gVCF out"
  }
  parameter_meta {
    ref: "Reference FASTA, plain or bgzipped"
    ref_index: "Its .fai"
    ref_bgzip_index: "Its .gzi, if compressed with bgzip"
    reads: "Aligned reads, sorted"
    reads_index: "Their .bai, .csi or .crai"
    prefix: "Outputs are PREFIX.vcf.gz and PREFIX.g.vcf.gz, each with its .tbi, or .csi if a contig is longer than 512 Mb"
    regions: "BED of the regions to call; default: the whole reference"
    haploid_contigs: "Haploid contigs, for example chrX,chrY"
    par_regions: "GRCh37, GRCh38 or the path of a BED: diploid regions of the haploid contigs"
    container: "The image; docs/containers.md describes how to build it"
  }
  input {
    File ref
    File ref_index
    File? ref_bgzip_index
    File reads
    File reads_index
    String prefix
    File? regions
    String model = "wgs"
    String? haploid_contigs
    String? par_regions
    Int threads = 4
    Int memory_gb = 4
    String container = "varpix:latest"
  }
  command <<<
    set -euo pipefail
    # varpix expects indexes next to their files; localization may place them elsewhere.
    mkdir inputs
    ln -s "~{ref}" "inputs/~{basename(ref)}"
    ln -s "~{ref_index}" "inputs/~{basename(ref)}.fai"
    ~{if defined(ref_bgzip_index) then "ln -s '" + select_first([ref_bgzip_index]) + "' 'inputs/" + basename(ref) + ".gzi'" else ""}
    ln -s "~{reads}" "inputs/~{basename(reads)}"
    ln -s "~{reads_index}" "inputs/~{basename(reads_index)}"
    varpix call \
      --ref "inputs/~{basename(ref)}" \
      --reads "inputs/~{basename(reads)}" \
      --output-vcf "~{prefix}.vcf.gz" \
      --output-gvcf "~{prefix}.g.vcf.gz" \
      --summary "~{prefix}.varpix.json" \
      --multiqc multiqc \
      --report-sample-name "~{prefix}" \
      --model "~{model}" \
      --threads ~{threads} \
      ~{"--regions '" + regions + "'"} \
      ~{"--haploid-contigs '" + haploid_contigs + "'"} \
      ~{"--par-regions '" + par_regions + "'"}
    varpix --version > version.txt
  >>>
  output {
    File vcf = "~{prefix}.vcf.gz"
    # .tbi, or .csi if a contig is longer than 512 Mb.
    File vcf_index = glob("~{prefix}.vcf.gz.[tc][bs]i")[0]
    File gvcf = "~{prefix}.g.vcf.gz"
    File gvcf_index = glob("~{prefix}.g.vcf.gz.[tc][bs]i")[0]
    File summary = "~{prefix}.varpix.json"
    # For MultiQC.
    Array[File] multiqc = glob("multiqc/*")
    String version = read_lines("version.txt")[0]
  }
  runtime {
    docker: container
    cpu: threads
    memory: "~{memory_gb} GiB"
    # A retry is for lost machines; bad input (exit code 3) fails again.
    maxRetries: 1
  }
}

workflow varpix {
  input {
    File ref
    File ref_index
    File? ref_bgzip_index
    File reads
    File reads_index
    String prefix
    File? regions
    Int threads = 4
    String container = "varpix:latest"
  }
  call varpix_call {
    input:
      ref = ref, ref_index = ref_index, ref_bgzip_index = ref_bgzip_index, reads = reads, reads_index = reads_index, prefix = prefix,
      regions = regions, threads = threads, container = container
  }
  output {
    File vcf = varpix_call.vcf
    File vcf_index = varpix_call.vcf_index
    File gvcf = varpix_call.gvcf
    File gvcf_index = varpix_call.gvcf_index
    File summary = varpix_call.summary
    Array[File] multiqc = varpix_call.multiqc
    String version = varpix_call.version
  }
}
