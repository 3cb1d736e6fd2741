process VARPIX_CALL {
    tag "$meta.id"
    label 'process_high'

    // Neither the conda package nor the image is published yet: docs/containers.md describes how to build the image.
    conda "${moduleDir}/environment.yml"
    container "${ workflow.containerEngine in ['singularity', 'apptainer'] ? 'varpix.sif' : 'varpix:latest' }"
    // The entry point of the image is varpix; Nextflow starts bash.
    containerOptions "${ workflow.containerEngine in ['docker', 'podman'] ? "--entrypoint ''" : '' }"

    input:
    tuple val(meta), path(input), path(index), path(intervals)
    tuple val(meta2), path(fasta)
    tuple val(meta3), path(fai)
    tuple val(meta4), path(gzi)
    tuple val(meta5), path(par_bed)

    output:
    tuple val(meta), path("${prefix}.vcf.gz")            , emit: vcf
    tuple val(meta), path("${prefix}.vcf.gz.{tbi,csi}")  , emit: vcf_index
    tuple val(meta), path("${prefix}.g.vcf.gz")          , emit: gvcf
    tuple val(meta), path("${prefix}.g.vcf.gz.{tbi,csi}"), emit: gvcf_index
    tuple val(meta), path("${prefix}.varpix.json")       , emit: summary
    tuple val(meta), path("*_mqc.json")                  , emit: multiqc
    tuple val("${task.process}"), val('varpix'), eval("varpix -V | sed 's/^.*version //'"), topic: versions, emit: versions_varpix

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    prefix = task.ext.prefix ?: "${meta.id}"
    def regions = intervals ? "--regions ${intervals}" : ""
    def par_regions = par_bed ? "--par-regions ${par_bed}" : ""
    // Files for MultiQC are named by the prefix, as SM may be the same in the files of several samples.
    // varpix writes a .csi in place of the .tbi if a contig is longer than 512 Mb.
    """
    varpix call \\
        --ref ${fasta} \\
        --reads ${input} \\
        --output-vcf ${prefix}.vcf.gz \\
        --output-gvcf ${prefix}.g.vcf.gz \\
        --summary ${prefix}.varpix.json \\
        --multiqc . \\
        --report-sample-name "${prefix}" \\
        --threads ${task.cpus} \\
        ${regions} \\
        ${par_regions} \\
        ${args}
    """

    stub:
    def args = task.ext.args ?: ''
    prefix = task.ext.prefix ?: "${meta.id}"
    def index_suffix = task.ext.stub_index ?: 'tbi'
    """
    echo ${args}
    echo "" | gzip > ${prefix}.vcf.gz
    touch ${prefix}.vcf.gz.${index_suffix}
    echo "" | gzip > ${prefix}.g.vcf.gz
    touch ${prefix}.g.vcf.gz.${index_suffix}
    echo '{}' > ${prefix}.varpix.json
    echo '{}' > ${prefix}.varpix_mqc.json
    """
}
