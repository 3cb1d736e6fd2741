// varpix call, with the channels of nf-core's deepvariant/rundeepvariant, so that one stands in for the other.
process VARPIX_CALL {
    tag "$meta.id"
    label 'process_high'

    // docs/containers.md says how this image is made; it is on no registry.
    container "${ workflow.containerEngine in ['singularity', 'apptainer'] ? 'varpix.sif' : 'varpix:latest' }"
    // The image's entry point is varpix, Nextflow brings a command of its own.
    containerOptions "${ workflow.containerEngine in ['docker', 'podman'] ? "--entrypoint ''" : '' }"

    input:
    tuple val(meta), path(input), path(index), path(intervals)
    tuple val(meta2), path(fasta)
    tuple val(meta3), path(fai)
    tuple val(meta4), path(gzi)
    tuple val(meta5), path(par_bed)

    output:
    tuple val(meta), path("${prefix}.vcf.gz")      , emit: vcf
    tuple val(meta), path("${prefix}.vcf.gz.{tbi,csi}")  , emit: vcf_index
    tuple val(meta), path("${prefix}.g.vcf.gz")    , emit: gvcf
    tuple val(meta), path("${prefix}.g.vcf.gz.{tbi,csi}"), emit: gvcf_index
    path "versions.yml"                            , emit: versions

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    prefix = task.ext.prefix ?: "${meta.id}"
    def regions = intervals ? "--regions ${intervals}" : ""
    def par_regions = par_bed ? "--par-regions ${par_bed}" : ""
    """
    varpix call \\
        --ref ${fasta} \\
        --reads ${input} \\
        --output-vcf ${prefix}.vcf.gz \\
        --output-gvcf ${prefix}.g.vcf.gz \\
        --threads ${task.cpus} \\
        ${regions} \\
        ${par_regions} \\
        ${args}

    cat <<-END_VERSIONS > versions.yml
    "${task.process}":
        varpix: \$(varpix -V | sed 's/^.*version //')
    END_VERSIONS
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    echo "" | gzip > ${prefix}.vcf.gz
    touch ${prefix}.vcf.gz.tbi
    echo "" | gzip > ${prefix}.g.vcf.gz
    touch ${prefix}.g.vcf.gz.tbi

    cat <<-END_VERSIONS > versions.yml
    "${task.process}":
        varpix: \$(varpix -V | sed 's/^.*version //')
    END_VERSIONS
    """
}
